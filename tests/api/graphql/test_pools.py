"""Pools over GraphQL: limits are set, seen and removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.graphql.queries import NOW, Still
from tests.api.graphql.serving import GraphQLServer
from tidewheel.logic.graph.specs import AssetNode, DepSpec, JobNode, LocationSnapshot, OpNode
from tidewheel.values.records import NewRun

pytestmark = pytest.mark.xdist_group("graphql")

ONE = """query($name: String) { instance { supportsConcurrencyLimits maxConcurrencyLimitValue
  poolConfig { poolGranularity defaultPoolLimit }
  concurrencyLimit(concurrencyKey: $name) { concurrencyKey limit slotCount usingDefaultLimit
    claimedSlots { runId } pendingSteps { runId } activeSlotCount pendingStepCount } } }"""


def test_limits_are_set_seen_and_removed(server: GraphQLServer) -> None:
    assert server.ask('mutation { setConcurrencyLimit(concurrencyKey: "db", limit: 3) }') == {
        "setConcurrencyLimit": True
    }
    found = server.ask(ONE, name="db")["instance"]
    assert found["supportsConcurrencyLimits"] is True
    assert found["poolConfig"] == {"poolGranularity": "op", "defaultPoolLimit": None}
    assert found["concurrencyLimit"] == {
        "concurrencyKey": "db",
        "limit": 3,
        "slotCount": 3,
        "usingDefaultLimit": False,
        "claimedSlots": [],
        "pendingSteps": [],
        "activeSlotCount": 0,
        "pendingStepCount": 0,
    }
    names = server.ask("{ instance { concurrencyLimits { concurrencyKey } } }")["instance"][
        "concurrencyLimits"
    ]
    assert {"concurrencyKey": "db"} in names
    delete = 'mutation { deleteConcurrencyLimit(concurrencyKey: "db") }'
    assert [server.ask(delete)["deleteConcurrencyLimit"] for _ in range(2)] == [True, False]
    assert server.ask(ONE, name="db")["instance"]["concurrencyLimit"]["limit"] is None
    assert server.ask('mutation { freeConcurrencySlotsForRun(runId: "none") }') == {
        "freeConcurrencySlotsForRun": False
    }


@pytest.mark.parametrize("limit", [-1, 1_001])
def test_a_limit_out_of_bounds_is_refused(server: GraphQLServer, limit: int) -> None:
    _, body = server.post(f'mutation {{ setConcurrencyLimit(concurrencyKey: "db", limit: {limit}) }}')
    assert "from 0 to 1000" in body["errors"][0]["message"]


POOLED = LocationSnapshot(
    name="code",
    assets=(
        AssetNode(key="up", step="up", pool="db"),
        AssetNode(key="down", step="down", pool="api", deps=(DepSpec(asset="up"),)),
    ),
    jobs=(
        JobNode(name="ops", ops=(OpNode(name="a", pool="db"), OpNode(name="b"), OpNode(name="c", depends_on=("a",)))),
        JobNode(name="made", is_asset_job=True, assets=("up", "down")),
    ),
)  # fmt: skip


def test_what_runs_need_of_pools(tmp_path: Path) -> None:
    still = Still(tmp_path, POOLED)
    names = {"ops": "1" * 36, "made": "2" * 36, "part": "3" * 36, "unknown": "4" * 36}
    wanted = [
        NewRun(run_id=names["ops"], job_name="ops", location="code"),
        NewRun(run_id=names["made"], job_name="made", location="code"),
        NewRun(run_id=names["part"], job_name="made", location="code", assets=("down",)),
        NewRun(run_id=names["unknown"], job_name="gone", location="code"),
    ]
    still.ledger.create_runs(wanted, now=NOW)
    launched = still.ledger.launch_run(names["made"], now=NOW)
    still.ledger.pools.set_slots("db", 1, now=NOW)
    still.ledger.pools.claim("db", names["made"], launched.epoch, "up", priority=0, now=NOW)
    data = still.ask(
        """{ runsOrError { ... on Runs { results { id allPools rootConcurrencyKeys hasUnconstrainedRootNodes
             hasConcurrencyKeySlots } } } }"""
    )["runsOrError"]["results"]
    found = {run.pop("id"): tuple(run.values()) for run in data}
    assert {name: found[run_id] for name, run_id in names.items()} == {
        "ops": (["db"], ["db"], True, False),
        "made": (["api", "db"], ["db"], False, True),
        "part": (["api"], ["api"], False, False),
        "unknown": ([], None, True, False),
    }
    assert still.statements <= 4
    snapshots = still.ask(
        """{ a: pipelineSnapshotOrError(snapshotId: "code/ops") { ... on PipelineSnapshot { name pipelineSnapshotId } }
             b: pipelineSnapshotOrError(activePipelineSelector: {pipelineName: "made", repositoryName: "__repository__",
               repositoryLocationName: "code"}) { ... on PipelineSnapshot { name } }
             c: pipelineSnapshotOrError(snapshotId: "nothing") { ... on PipelineSnapshotNotFoundError { snapshotId message } }
             d: pipelineSnapshotOrError(activePipelineSelector: {pipelineName: "no", repositoryName: "__repository__",
               repositoryLocationName: "code"}) { __typename } }"""
    )
    assert snapshots["a"] == {"name": "ops", "pipelineSnapshotId": "code/ops"} and snapshots["b"] == {
        "name": "made"
    }
    assert snapshots["c"]["snapshotId"] == "nothing" and "not kept" in snapshots["c"]["message"]
    assert snapshots["d"] == {"__typename": "PipelineNotFoundError"}
