"""Who may do what: every mutation asks, also about the code location that it turns out to be about."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.graphql.conftest import CODE, SELECTOR
from tests.api.graphql.serving import GraphQLServer
from tidewheel.api.graphql.permissions import NEEDED
from tidewheel.values.records import NewRun

pytestmark = pytest.mark.xdist_group("graphql-access")


class ElsewhereOnly:
    """May do everything, but not in the location of these tests; closed: nothing anywhere."""

    closed = False

    def refusal(self, permission: str, location: str | None, assets=None) -> str | None:
        if self.closed:
            return "everything is closed"
        return "not in this location" if location == "code.py" else None


@pytest.fixture(scope="module")
def access() -> ElsewhereOnly:
    return ElsewhereOnly()


@pytest.fixture(scope="module")
def guarded(access: ElsewhereOnly) -> Iterator[GraphQLServer]:
    with tempfile.TemporaryDirectory(prefix="tw-gql-") as folder:
        server = GraphQLServer(Path(folder), CODE, access_for=lambda connection: access)
        yield server
        server.stop()


REPOSITORY = 'repositoryName: "__repository__", repositoryLocationName: "code.py"'
JOB = f'{{selector: {{{REPOSITORY}, jobName: "quick"}}}}'
MUTATIONS = {
    "launchRun": f"executionParams: {JOB}",
    "launchPipelineExecution": f"executionParams: {JOB}",
    "launchRunReexecution": 'reexecutionParams: {parentRunId: "RUN", strategy: ALL_STEPS}',
    "launchPipelineReexecution": 'reexecutionParams: {parentRunId: "RUN", strategy: ALL_STEPS}',
    "terminateRun": 'runId: "RUN"',
    "terminatePipelineExecution": 'runId: "RUN"',
    "deleteRun": 'runId: "RUN"',
    "deletePipelineRun": 'runId: "RUN"',
    "setRunPriority": 'runId: "RUN", priority: 1',
    "pauseAutomation": 'selection: {repositoryLocationName: "code.py"}',
    "retryFailedEvent": 'instigationStateId: "code.py/skips", eventId: "1"',
    "startSchedule": f'scheduleSelector: {{{REPOSITORY}, scheduleName: "mornings"}}',
    "stopRunningSchedule": 'id: "code.py/mornings"',
    "resetSchedule": f'scheduleSelector: {{{REPOSITORY}, scheduleName: "mornings"}}',
    "scheduleDryRun": f'selectorData: {{{REPOSITORY}, scheduleName: "mornings"}}',
    "startSensor": f'sensorSelector: {{{REPOSITORY}, sensorName: "skips"}}',
    "stopSensor": 'id: "code.py/skips"',
    "resetSensor": f'sensorSelector: {{{REPOSITORY}, sensorName: "skips"}}',
    "setSensorCursor": f'sensorSelector: {{{REPOSITORY}, sensorName: "skips"}}, cursor: "x"',
    "sensorDryRun": f'selectorData: {{{REPOSITORY}, sensorName: "skips"}}',
    "addDynamicPartition": f'repositorySelector: {{{REPOSITORY}}}, partitionsDefName: "customers", partitionKey: "x"',
    "deleteDynamicPartitions": f'repositorySelector: {{{REPOSITORY}}}, partitionsDefName: "customers", partitionKeys: []',
    "reportRunlessAssetEvents": 'eventParams: {eventType: ASSET_MATERIALIZATION, assetKey: {path: ["orders"]}}',
    "reportAssetCheckEvaluations": 'eventParams: {assetKey: {path: ["orders"]}, checkName: "c", passed: true}',
    "wipeAssets": 'assetPartitionRanges: [{assetKey: {path: ["orders"]}}]',
    "reloadRepositoryLocation": 'repositoryLocationName: "code.py"',
    "shutdownRepositoryLocation": 'repositoryLocationName: "code.py"',
}
PER_ITEM = {
    "launchMultipleRuns": (
        f"executionParamsList: [{JOB}]",
        "... on LaunchMultipleRunsResult { launchMultipleRunsResult { __typename } }",
    ),
    "terminateRuns": ('runIds: ["RUN"]', "... on TerminateRunsResult { terminateRunResults { __typename } }"),
}
WHOLE_SERVER = {
    "reloadWorkspace",
    "resumeAutomation",
    "replayDelivery",
    "setAutoMaterializePaused",
    "answerHeldRequest",
    "answerOwedWork",
    "setConcurrencyLimit",
    "deleteConcurrencyLimit",
    "freeConcurrencySlots",
    "freeConcurrencySlotsForRun",
}
NOT_SERVED = {
    "launchPartitionBackfill",
    "reexecutePartitionBackfill",
    "resumePartitionBackfill",
    "cancelPartitionBackfill",
}


@pytest.fixture(scope="module")
def run_id(guarded: GraphQLServer) -> str:
    """A queued run of the location, which waits for long."""
    run = NewRun(run_id="0" * 36, job_name="quick", location="code.py", not_before=9e9)
    guarded.server.database.ledger.create_runs([run], now=1.0)
    return run.run_id


def test_every_mutation_is_in_one_of_the_tables() -> None:
    assert set(NEEDED) == {*MUTATIONS, *PER_ITEM, *WHOLE_SERVER, *NOT_SERVED}


@pytest.mark.parametrize("name", MUTATIONS)
def test_it_asks_about_the_location(guarded: GraphQLServer, run_id: str, name: str) -> None:
    arguments = MUTATIONS[name].replace("RUN", run_id)
    fields = "{ __typename ... on UnauthorizedError { message } }"
    refused = guarded.ask(f"mutation {{ {name}({arguments}) {fields} }}")[name]
    assert refused == {
        "__typename": "UnauthorizedError",
        "message": f"this needs the permission {NEEDED[name]!r}: not in this location",
    }


@pytest.mark.parametrize("name", PER_ITEM)
def test_it_asks_about_every_item(guarded: GraphQLServer, run_id: str, name: str) -> None:
    arguments, fields = PER_ITEM[name]
    query = f"mutation {{ {name}({arguments.replace('RUN', run_id)}) {{ {fields} }} }}"
    results = next(iter(guarded.ask(query)[name].values()))
    assert results == [{"__typename": "UnauthorizedError"}]


def test_nothing_was_changed(guarded: GraphQLServer, run_id: str) -> None:
    data = guarded.ask(
        """query($s: RepositorySelector!) { runsOrError { ... on Runs { results { id status } } }
             sensorsOrError(repositorySelector: $s, sensorStatus: RUNNING) { ... on Sensors { results { name } } }
             schedulesOrError(repositorySelector: $s, scheduleStatus: RUNNING) { ... on Schedules { results { name } } }
             assetsOrError { ... on AssetConnection { nodes { latestEventSortKey } } } }""",
        s=SELECTOR,
    )
    assert data["runsOrError"]["results"] == [{"id": run_id, "status": "QUEUED"}]
    assert data["sensorsOrError"]["results"] == data["schedulesOrError"]["results"] == []
    assert {one["latestEventSortKey"] for one in data["assetsOrError"]["nodes"]} == {None}


def test_what_is_about_the_whole_server(guarded: GraphQLServer, access: ElsewhereOnly) -> None:
    access.closed = True
    try:
        status, body = guarded.post("mutation { reloadWorkspace { __typename } }")
        assert body["data"]["reloadWorkspace"] == {"__typename": "UnauthorizedError"}
        status, body = guarded.post('mutation { setConcurrencyLimit(concurrencyKey: "a", limit: 1) }')
        assert status == 200 and body["errors"][0]["extensions"] == {"code": "UNAUTHORIZED"}
        for name in NOT_SERVED:
            wanted = {
                "launchPartitionBackfill": "backfillParams: {}",
                "reexecutePartitionBackfill": 'reexecutionParams: {parentRunId: "x", strategy: ALL_STEPS}',
            }.get(name, 'backfillId: "x"')
            status, body = guarded.post(f"mutation {{ {name}({wanted}) {{ __typename }} }}")
            assert body["data"][name] == {"__typename": "UnauthorizedError"}
    finally:
        access.closed = False
