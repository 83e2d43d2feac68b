"""A poller of an API with paging, errors that are skipped, and a run for each page."""

import json
from typing import Any, Iterator, Optional, Union

from dagster import (
    Config,
    ConfigurableResource,
    Definitions,
    OpExecutionContext,
    RunRequest,
    SensorEvaluationContext,
    SkipReason,
    build_sensor_context,
    get_dagster_logger,
    job,
    op,
    sensor,
)

logger = get_dagster_logger()


class Api(ConfigurableResource):
    token: str
    fails: bool = False

    def pages(self, since: int) -> list[dict[str, Any]]:
        if self.fails:
            raise ConnectionError("503")
        return [{"id": number, "rows": number * 10} for number in range(since + 1, since + 3)]


class PageConfig(Config):
    page_id: int
    rows: Optional[int] = None


@op
def pull_page(context: OpExecutionContext, config: PageConfig) -> int:
    logger.info("pulling")
    return (config.rows or 0) + config.page_id


@job(tags={"source": "api"})
def pull_job():
    pull_page()


@sensor(job=pull_job, minimum_interval_seconds=60)
def api_sensor(context: SensorEvaluationContext, api: Api) -> Iterator[Union[RunRequest, SkipReason]]:
    state = json.loads(context.cursor) if context.cursor else {"last": 0}
    try:
        pages = api.pages(state["last"])
    except ConnectionError as error:
        context.log.warning(f"api is down: {error}")
        yield SkipReason(f"api is down: {error}")
        return
    for page in pages:
        yield RunRequest(
            run_key=f"page-{page['id']}",
            run_config={"ops": {"pull_page": {"config": {"page_id": page["id"], "rows": page["rows"]}}}},
            tags={"page": str(page["id"])},
        )
    context.update_cursor(json.dumps({"last": pages[-1]["id"]}))


defs = Definitions(jobs=[pull_job], sensors=[api_sensor], resources={"api": Api(token="t")})


def test_down():
    (skip,) = api_sensor(build_sensor_context(resources={"api": Api(token="t", fails=True)}))
    assert skip.skip_message == "api is down: 503"


def test_pages():
    context = build_sensor_context(cursor='{"last": 5}', resources={"api": Api(token="t")})
    requests = list(api_sensor(context))
    assert [request.run_key for request in requests] == ["page-6", "page-7"]
    assert json.loads(context.cursor) == {"last": 7}
    result = pull_job.execute_in_process(run_config=requests[0].run_config)
    assert result.output_for_node("pull_page") == 66
