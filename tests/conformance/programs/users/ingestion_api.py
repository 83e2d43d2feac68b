"""Pages of an API are taken in; calls are tried again; a sensor looks for new pages."""

import json
from typing import Any, Dict, List, Optional

from dagster import (
    AssetExecutionContext,
    Backoff,
    Config,
    ConfigurableResource,
    DefaultSensorStatus,
    Definitions,
    DynamicPartitionsDefinition,
    Failure,
    Jitter,
    MaterializeResult,
    MetadataValue,
    Output,
    RetryPolicy,
    RetryRequested,
    RunConfig,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    asset,
    build_sensor_context,
    DagsterInstance,
    define_asset_job,
    materialize,
    sensor,
)
from pydantic import Field

pages = DynamicPartitionsDefinition(name="pages")


class PageConfig(Config):
    limit: int = Field(default=10, description="rows per page", gt=0)
    fields: List[str] = ["id"]
    extra: Optional[Dict[str, str]] = None


class Api(ConfigurableResource):
    url: str
    timeout_s: float = 2.5

    def get(self, page: str, limit: int) -> List[Dict[str, Any]]:
        return [{"id": f"{page}-{n}"} for n in range(min(limit, 3))]


@asset(
    partitions_def=pages,
    retry_policy=RetryPolicy(max_retries=3, delay=0.01, backoff=Backoff.EXPONENTIAL, jitter=Jitter.FULL),
    kinds={"api", "json"},
    owners=["team:ingest"],
)
def page_rows(context: AssetExecutionContext, config: PageConfig, api: Api) -> Output[list]:
    rows = api.get(context.partition_key, config.limit)
    if not rows:
        raise Failure(description="empty page", metadata={"page": context.partition_key})
    return Output(
        rows,
        metadata={
            "count": len(rows),
            "sample": MetadataValue.json(rows[0]),
            "fields": ", ".join(config.fields),
        },
    )


@asset(partitions_def=pages)
def page_size(page_rows: list) -> MaterializeResult:
    return MaterializeResult(metadata={"bytes": len(json.dumps(page_rows))}, value=len(page_rows))


ingest = define_asset_job(
    "ingest", [page_rows, page_size], config=RunConfig(ops={"page_rows": PageConfig(limit=2)})
)


@sensor(job=ingest, minimum_interval_seconds=45, default_status=DefaultSensorStatus.RUNNING)
def new_pages(context: SensorEvaluationContext):
    """Pages are numbered."""
    last = int(context.cursor or 0)
    found = [str(n) for n in range(last + 1, min(last + 3, 4))]
    if not found:
        return SkipReason(f"nothing after {last}")
    return SensorResult(
        run_requests=[
            RunRequest(run_key=f"page-{one}", partition_key=one, tags={"page": one}) for one in found
        ],
        dynamic_partitions_requests=[pages.build_add_request(found)],
        cursor=found[-1],
    )


defs = Definitions(
    assets=[page_rows, page_size],
    jobs=[ingest],
    sensors=[new_pages],
    resources={"api": Api(url="https://example.org")},
)


def test_sensor_twice():
    with DagsterInstance.ephemeral() as instance:
        context = build_sensor_context(instance=instance)
        result = new_pages(context)
        assert [one.partition_key for one in result.run_requests] == ["1", "2"]
        later = new_pages(build_sensor_context(instance=instance, cursor=result.cursor))
        assert [one.partition_key for one in later.run_requests] == ["3"]
        last = new_pages(build_sensor_context(instance=instance, cursor=later.cursor))
        assert isinstance(last, SkipReason)


def test_page():
    with DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("pages", ["7"])
        result = materialize(
            [page_rows, page_size],
            partition_key="7",
            instance=instance,
            resources={"api": Api(url="u")},
            run_config=RunConfig(ops={"page_rows": PageConfig(limit=1, fields=["id", "name"])}),
        )
        assert result.output_for_node("page_rows") == [{"id": "7-0"}]
        assert result.asset_value("page_size") == 1
        assert instance.get_materialized_partitions(page_size.key) == {"7"}


class Empty(Api):
    def get(self, page, limit):
        return []


def test_empty_page_fails():
    with DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("pages", ["8"])
        result = materialize(
            [page_rows],
            partition_key="8",
            instance=instance,
            resources={"api": Empty(url="u")},
            raise_on_error=False,
        )
        assert not result.success
        assert len([e for e in result.all_events if e.event_type_value == "STEP_UP_FOR_RETRY"]) == 3
        failure = result.failure_data_for_node("page_rows").user_failure_data
        assert failure.description == "empty page"
        assert failure.metadata["page"].value == "8"


def test_requested_retry():
    tries = []

    @asset
    def flaky():
        tries.append(1)
        if len(tries) < 3:
            raise RetryRequested(max_retries=5, seconds_to_wait=0)
        return len(tries)

    result = materialize([flaky])
    assert result.output_for_node("flaky") == 3
    assert result.retry_attempts_for_node("flaky") == 2
