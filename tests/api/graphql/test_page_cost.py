"""A page costs no more database queries when it shows fifty things than when it shows two."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.graphql.queries import NOW, Still
from tidewheel.logic.freshness import WindowFreshness
from tidewheel.logic.graph.specs import (
    AssetNode,
    CheckNode,
    DepSpec,
    JobNode,
    LocationSnapshot,
    OpNode,
    ScheduleNode,
    SensorNode,
)
from tidewheel.logic.partitions.definitions import (
    DynamicPartitions,
    PartitionView,
    StaticPartitions,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.sets import everything
from tidewheel.logic.planning.backfill_parts import build_part
from tidewheel.runtime.dynamic_keys import read_dynamic_keys
from tidewheel.services.code.catalog import Catalog
from tidewheel.values.backfills import BackfillFields, NewBackfill
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization
from tidewheel.values.records import NewRun, PartitionChange

MANY, FEW = 50, 2


def still(folder: Path, number: int) -> Still:
    assets = [
        AssetNode(
            key=f"a{i:02}",
            step=f"a{i:02}",
            partitions=(None, StaticPartitions(keys=("x", "y")), DynamicPartitions(name="d"))[i % 3],
            deps=(DepSpec(asset=f"a{i - 1:02}"),) if i else (),
            freshness=WindowFreshness(fail_window_s=3_600.0),
        )
        for i in range(number)
    ]
    snapshot = LocationSnapshot(
        name="code",
        assets=tuple(assets),
        checks=tuple(CheckNode(asset=node.key, name="c") for node in assets),
        jobs=(JobNode(name="job", assets=tuple(node.key for node in assets), ops=(OpNode(name="o"),)),),
        sensors=(
            *(SensorNode(name=f"s{i}", jobs=("job",)) for i in range(number)),
            SensorNode(name="all", kind="automation", assets=tuple(node.key for node in assets)),
        ),
        schedules=tuple(
            ScheduleNode(name=f"t{i}", crons=("0 * * * *",), job_name="job") for i in range(number)
        ),
    )
    server = Still(folder, snapshot)
    ledger = server.ledger
    ledger.change_dynamic_partitions(PartitionChange(name="d", add=("k",)), now=NOW)
    runs = [NewRun(run_id=f"{i:036}", job_name="job", location="code") for i in range(number)]
    ledger.create_runs(runs, now=NOW)
    server.ledger.backfills.create(
        [
            NewBackfill(
                backfill_id=f"job{i:05}",
                fields=BackfillFields(
                    parts=(
                        build_part(assets[1].key, everything(assets[1].partitions, PartitionView(now=NOW))),
                    )
                ),
            )
            for i in range(number)
        ],
        now=NOW,
    )
    keys = (None, "x", "k")
    made = Materialization(metadata={})
    events = [
        Event(
            type=EventType.ASSET_MATERIALIZATION,
            timestamp=NOW + i,
            run_id=f"{i:036}",
            asset=node.key,
            partition=keys[i % 3],
            payload=made,
        )
        for i, node in enumerate(assets)
    ]
    checks = [
        Event(
            type=EventType.ASSET_CHECK_EVALUATION,
            timestamp=NOW + number + i,
            run_id=f"{i:036}",
            asset=node.key,
            check="c",
            payload=CheckEvaluation(passed=True),
        )
        for i, node in enumerate(assets)
    ]
    catalog = Catalog({"code": snapshot})
    resolver = catalog.resolver(NOW, read_dynamic_keys(ledger, {}))
    ledger.record_events([*events, *checks], resolve=resolver)
    return server


PAGES = {
    "runs": """{ runsOrError(limit: 100) { ... on Runs { count results { id status jobName tags { key value }
      startTime endTime creationTime canTerminate pipeline { name } assetSelection { path } stepKeysToExecute
      repositoryOrigin { repositoryName } waitsFor allPools trigger { name } } } } }""",
    "assets": """{ assetsOrError(limit: 100) { ... on AssetConnection { nodes { key { path }
      latestMaterializationTimestamp latestEventSortKey assetHealth { assetHealth materializationStatus }
      assetMaterializations(limit: 1) { runId timestamp metadataEntries { label } runOrError { ... on Run { status } } }
      definition { groupName kinds dependencyKeys { path } dependedByKeys { path } jobNames repository { name }
        partitionDefinition { type } partitionStats { numMaterialized numPartitions }
        assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions } } dataVersion
        assetChecksOrError { ... on AssetChecks { checks { name
          executionForLatestMaterialization { status run { status } } } } } } } } } }""",
    "latest": """{ assetNodes { assetKey { path } } a: assetsLatestInfo(assetKeys: [KEYS]) { assetKey { path }
      latestMaterialization { runId } latestRun { id status } inProgressRunIds unstartedRunIds } }""".replace(
        "KEYS", ", ".join(f'{{path: ["a{i:02}"]}}' for i in range(MANY))
    ),
    "triggers": """{ repositoriesOrError { ... on RepositoryConnection { nodes { name
      schedules { name cronSchedule futureTicks(limit: 1) { results { timestamp } }
        scheduleState { status typeSpecificData { ... on ScheduleData { startTimestamp } } } }
      sensors { name targets { pipelineName } sensorState { status nextTick { timestamp }
        typeSpecificData { ... on SensorData { lastCursor } } } }
      jobs { name schedules { name } sensors { name } } } } } }""",
    "ticks": """{ repositoriesOrError { ... on RepositoryConnection { nodes { name
      schedules { name scheduleState { ticks(limit: 3) { tickId status runs { id jobName } } runs(limit: 2) { id } } }
      sensors { name sensorState { pausedBy { id } heldRequests { runId } ticks(limit: 3) { tickId } } } } } } }""",
    "conditions": """{ assetNodes { assetKey { path } autoMaterializePolicy { policyType } freshnessStatusInfo {
      freshnessStatus } currentAutoMaterializeEvaluationId lastAutoMaterializationEvaluationRecord { runIds }
      requiredResources { resourceKey } opTags { key } internalFreshnessPolicy { __typename } } }""",
    "stale": "{ assetNodes { assetKey { path } staleStatus staleCauses { reason } } a: version }",
    "backfills": """{ partitionBackfillsOrError(limit: 100) { ... on PartitionBackfills { results { id status jobName
      runs(limit: 3) { id status } unfinishedRuns { id } numCancelable partitionNames partitionStatusCounts { count }
      assetBackfillData { assetBackfillStatuses { __typename } } logEvents { cursor } } } } }""",
}
MOST = {
    "runs": 4,
    "assets": 20,
    "latest": 8,
    "triggers": 3,
    "ticks": 8,
    "conditions": 6,
    "stale": 6,
    "backfills": 10,
}
"""What is read together depends a little on which thread is quicker, so that a page has a most and no exact number."""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_costs_a_fixed_number_of_queries(tmp_path: Path, page: str) -> None:
    costs = []
    for number in (FEW, MANY):
        folder = tmp_path / str(number)
        folder.mkdir()
        server = still(folder, number)
        data = server.ask(PAGES[page])
        costs.append(server.statements)
        server.ledger.close()
    assert max(costs) <= MOST[page], costs
    assert (
        str(data).count(
            "a49"
            if page in ("assets", "latest", "stale", "conditions")
            else "s49"
            if page == "ticks"
            else "job"
        )
        >= 1
    )


def test_a_page_of_a_million_partitions_reads_their_bitmaps(tmp_path: Path) -> None:
    spec = TimeWindowPartitions(cron="* * * * *", start=NOW - 60 * 1_000_000, fmt="%Y-%m-%d-%H:%M")
    server = Still(
        tmp_path, LocationSnapshot(name="code", assets=(AssetNode(key="a", step="a", partitions=spec),))
    )
    data = server.ask(
        """{ assetNodeOrError(assetKey: {path: ["a"]}) { ... on AssetNode { partitionStats { numPartitions }
             assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey } } }
             partitionKeyConnection(limit: 3, ascending: false) { results } } } }"""
    )["assetNodeOrError"]
    assert data["partitionStats"] == {"numPartitions": 1_000_000}
    assert len(data["partitionKeyConnection"]["results"]) == 3 and server.statements <= 4
