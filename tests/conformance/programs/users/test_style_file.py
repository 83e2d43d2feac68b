"""A file full of tests, as users keep them beside their definitions."""

from unittest import mock
from unittest.mock import MagicMock

import pytest
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    ConfigurableResource,
    DagsterInstance,
    DagsterInvalidConfigError,
    DagsterInvalidInvocationError,
    Definitions,
    MaterializeResult,
    OpExecutionContext,
    Output,
    ResourceDefinition,
    asset,
    build_asset_context,
    build_init_resource_context,
    build_op_context,
    build_resources,
    build_schedule_context,
    build_sensor_context,
    execute_job,
    instance_for_test,
    job,
    materialize,
    materialize_to_memory,
    op,
    reconstructable,
    resource,
    schedule,
    sensor,
    validate_run_config,
    with_resources,
    RunRequest,
    SkipReason,
    ResourceParam,
)


class Client(ConfigurableResource):
    token: str = "t"

    def fetch(self, what: str) -> list:
        raise ConnectionError(what)


@asset
def fetched(context: AssetExecutionContext, client: Client) -> list:
    rows = client.fetch("rows")
    context.log.info("%d rows", len(rows))
    context.add_output_metadata({"rows": len(rows)})
    return rows


@asset(required_resource_keys={"mailer"})
def mailed(context, fetched):
    context.resources.mailer.send(len(fetched))
    return MaterializeResult(metadata={"sent": 1})


@op(config_schema={"times": int}, required_resource_keys={"mailer"})
def remind(context: OpExecutionContext, text: str) -> str:
    for _ in range(context.op_config["times"]):
        context.resources.mailer.send(text)
    return text * context.op_config["times"]


@op
def source() -> str:
    return "ab"


@resource
def mailer(_):
    return MagicMock()


@job(resource_defs={"mailer": mailer}, config={"ops": {"remind": {"config": {"times": 2}}}})
def reminding():
    remind(source())


@schedule(job=reminding, cron_schedule="0 9 * * 1")
def mondays(context):
    if context.scheduled_execution_time.month == 12:
        return SkipReason("holidays")
    return RunRequest(run_key=None, run_config={"ops": {"remind": {"config": {"times": 1}}}})


@sensor(job=reminding)
def inbox(context, client: ResourceParam[object]):
    for number in range(client.count()):
        yield RunRequest(run_key=str(number))


class Count(ConfigurableResource):
    n: int = 2

    def count(self):
        return self.n


defs = Definitions(jobs=[reminding], schedules=[mondays])


def test_asset_with_patched_method():
    with mock.patch.object(Client, "fetch", return_value=[1, 2]):
        assert fetched(build_asset_context(), Client()) == [1, 2]
        result = materialize_to_memory([fetched], resources={"client": Client()})
    assert result.output_for_node("fetched") == [1, 2]
    assert result.asset_materializations_for_node("fetched")[0].metadata["rows"].value == 2


def test_asset_with_mock_resource():
    client = MagicMock(spec=Client)
    client.fetch.return_value = ["x"]
    mail = MagicMock()
    result = materialize(
        [fetched, mailed], resources={"client": ResourceDefinition.hardcoded_resource(client), "mailer": mail}
    )
    assert result.success
    mail.send.assert_called_once_with(1)


def test_failing_resource():
    with pytest.raises(ConnectionError):
        materialize_to_memory([fetched], resources={"client": Client()})
    assert not materialize_to_memory([fetched], resources={"client": Client()}, raise_on_error=False).success


def test_mailed_direct():
    mail = MagicMock()
    context = build_asset_context(resources={"mailer": mail})
    made = mailed(context, [1, 2, 3])
    assert made.metadata == {"sent": 1}
    mail.send.assert_called_with(3)


def test_op_direct():
    mail = MagicMock()
    assert remind(build_op_context(op_config={"times": 3}, resources={"mailer": mail}), "a") == "aaa"
    assert mail.send.call_count == 3
    with pytest.raises(DagsterInvalidInvocationError):
        remind("a")
    with pytest.raises(DagsterInvalidConfigError):
        remind(build_op_context(op_config={"times": "x"}, resources={"mailer": mail}), "a")


def test_job_results():
    result = reminding.execute_in_process(resources={"mailer": MagicMock()})
    assert result.output_for_node("remind") == "abab"
    assert result.output_for_node("source") == "ab"
    again = reminding.execute_in_process(run_config={"ops": {"remind": {"config": {"times": 1}}}})
    assert again.output_for_node("remind") == "ab"
    with pytest.raises(DagsterInvalidConfigError):
        reminding.execute_in_process(run_config={"ops": {"remind": {"config": {"time": 1}}}})


def test_validation():
    assert validate_run_config(reminding, {"ops": {"remind": {"config": {"times": 1}}}})
    with pytest.raises(DagsterInvalidConfigError):
        validate_run_config(reminding, {"ops": {"nothing": {}}})


def test_schedule():
    import datetime

    request = mondays(build_schedule_context(scheduled_execution_time=datetime.datetime(2024, 3, 4)))
    assert request.run_config["ops"]["remind"]["config"]["times"] == 1
    skipped = mondays(build_schedule_context(scheduled_execution_time=datetime.datetime(2024, 12, 2)))
    assert isinstance(skipped, SkipReason)
    assert validate_run_config(reminding, request.run_config)


def test_sensor():
    requests = list(inbox(build_sensor_context(), client=Count(n=3)))
    assert [one.run_key for one in requests] == ["0", "1", "2"]
    with build_sensor_context(resources={"client": Count()}) as context:
        assert len(list(inbox(context))) == 2


def test_resources():
    with build_resources({"client": Client(token="x"), "mailer": mailer}) as resources:
        assert resources.client.token == "x"
        resources.mailer.send(1)
    assert mailer(build_init_resource_context()) is not None


def test_with_resources_and_instance():
    with instance_for_test() as instance:
        bound = with_resources(
            [fetched], {"client": ResourceDefinition.hardcoded_resource(MagicMock(fetch=lambda _: [1]))}
        )
        assert materialize(bound, instance=instance).success
        assert instance.get_latest_materialization_event(AssetKey("fetched")) is not None
        instance.report_runless_asset_event(AssetMaterialization("fetched", metadata={"by": "hand"}))
        event = instance.get_latest_materialization_event(AssetKey("fetched"))
        assert event.asset_materialization.metadata["by"].value == "hand"


@pytest.mark.parametrize("n", [1, 2])
def parametrized(n):
    assert n


def test_two_runs_in_one_instance():
    with DagsterInstance.ephemeral() as instance:
        with mock.patch.object(Client, "fetch", return_value=[]):
            materialize([fetched], instance=instance, resources={"client": Client()})
            materialize([fetched], instance=instance, resources={"client": Client()})
        assert len(instance.get_runs()) == 2
        assert instance.get_runs_count() == 2
