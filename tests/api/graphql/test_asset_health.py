"""Health and freshness of assets, and what their resources are: from a ledger and a catalog put there by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.graphql.queries import NOW, Still
from tidewheel.logic.freshness import DeadlineFreshness, WindowFreshness
from tidewheel.logic.graph.specs import (
    AssetNode,
    CheckNode,
    JobNode,
    LocationSnapshot,
    OpNode,
    ResourceNode,
    ScheduleNode,
    SensorNode,
)
from tidewheel.logic.partitions.definitions import StaticPartitions
from tidewheel.services.code.catalog import Catalog
from tidewheel.values.events import CheckEvaluation, Event, EventType, Materialization

TEXT = {"type": "string"}
SNAPSHOT = LocationSnapshot(
    name="code",
    assets=(
        AssetNode(key="late", step="late", freshness=WindowFreshness(fail_window_s=60.0), op_tags={"a": "b"}),
        AssetNode(
            key="fresh", step="fresh", freshness=WindowFreshness(fail_window_s=7_200.0, warn_window_s=10.0)
        ),
        AssetNode(
            key="daily", step="daily", freshness=DeadlineFreshness(cron="0 0 * * *", lower_bound_s=60.0)
        ),
        AssetNode(key="parts", step="parts", partitions=StaticPartitions(keys=("x", "y", "z"))),
        AssetNode(key="checked", step="checked", resources=("db",)),
        AssetNode(key="outside", kind="external"),
    ),
    checks=(CheckNode(asset="checked", name="c"), CheckNode(asset="checked", name="d")),
    jobs=(JobNode(name="job", ops=(OpNode(name="reads", resources=("db",)), OpNode(name="adds"))),),
    schedules=(ScheduleNode(name="nightly", crons=("0 0 * * *",), resources=("db",)),),
    sensors=(SensorNode(name="watches", resources=("inner",)),),
    resources=(
        ResourceNode(
            name="db",
            type_name="code.Db",
            description="A database.",
            config_schema={
                "type": "object",
                "properties": {"url": TEXT, "password": TEXT, "n": {"type": "integer", "default": 3}},
                "required": ["url"],
            },
            env_vars={"url": "DB_URL"},
            values={"password": "********", "n": "5"},
            nested={"inside": "inner", "nameless": ""},
        ),
        ResourceNode(name="inner", type_name="code.Inner", env_vars={"host": "DB_URL"}),
        ResourceNode(name="plain", type_name="builtins.object"),
    ),
)


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Still:
    folder: Path = tmp_path_factory.mktemp("health")
    server = Still(folder, SNAPSHOT)
    made = [("late", None), ("fresh", None), ("parts", "x"), ("checked", None)]
    events = [
        Event(
            type=EventType.ASSET_MATERIALIZATION, timestamp=NOW - 3_600.0, run_id="r" * 36, asset=asset,
            partition=partition, payload=Materialization(metadata={}),
        )
        for asset, partition in made
    ]  # fmt: skip
    check = Event(
        type=EventType.ASSET_CHECK_EVALUATION, timestamp=NOW, run_id="r" * 36, asset="checked", check="c",
        payload=CheckEvaluation(passed=False, severity="WARN"),
    )  # fmt: skip
    resolver = Catalog({"code": SNAPSHOT}).resolver(NOW, {})
    server.ledger.record_events([*events, check], resolve=resolver)
    return server


def test_health_and_its_reasons(still: Still) -> None:
    data = still.ask(
        """{ assetsOrError { ... on AssetConnection { nodes { key { path } assetHealth { assetHealth materializationStatus
          materializationStatusMetadata { ... on AssetHealthMaterializationHealthyPartitionedMeta {
            numMissingPartitions totalNumPartitions latestRunId } }
          assetChecksStatus assetChecksStatusMetadata { ... on AssetHealthCheckWarningMeta { numWarningChecks totalNumChecks } }
          freshnessStatus freshnessStatusMetadata { lastMaterializedTimestamp } } } } } }"""
    )["assetsOrError"]["nodes"]
    found = {one["key"]["path"][0]: one["assetHealth"] for one in data}
    words = {
        key: tuple(
            one[name]
            for name in ("assetHealth", "materializationStatus", "assetChecksStatus", "freshnessStatus")
        )
        for key, one in found.items()
    }
    assert words == {
        "late": ("DEGRADED", "HEALTHY", "NOT_APPLICABLE", "DEGRADED"),
        "fresh": ("WARNING", "HEALTHY", "NOT_APPLICABLE", "WARNING"),
        "daily": ("UNKNOWN", "UNKNOWN", "NOT_APPLICABLE", "UNKNOWN"),
        "parts": ("HEALTHY", "HEALTHY", "NOT_APPLICABLE", "NOT_APPLICABLE"),
        "checked": ("WARNING", "HEALTHY", "WARNING", "NOT_APPLICABLE"),
        "outside": ("NOT_APPLICABLE",) * 4,
    }
    assert found["parts"]["materializationStatusMetadata"] == {
        "numMissingPartitions": 2, "totalNumPartitions": 3, "latestRunId": "r" * 36,
    }  # fmt: skip
    assert found["checked"]["assetChecksStatusMetadata"] == {"numWarningChecks": 1, "totalNumChecks": 2}
    assert found["late"]["freshnessStatusMetadata"] == {"lastMaterializedTimestamp": NOW - 3_600.0}
    assert found["parts"]["freshnessStatusMetadata"] is None


def test_freshness_rules_and_what_they_say(still: Still) -> None:
    nodes = still.ask(
        """{ assetNodes { assetKey { path } freshnessStatusInfo { freshnessStatus } internalFreshnessPolicy { __typename
          ... on TimeWindowFreshnessPolicy { failWindowSeconds warnWindowSeconds }
          ... on CronFreshnessPolicy { deadlineCron lowerBoundDeltaSeconds timezone } }
          opTags { key value } requiredResources { resourceKey } } }"""
    )["assetNodes"]
    found = {node["assetKey"]["path"][0]: node for node in nodes}
    assert found["fresh"]["internalFreshnessPolicy"] == {
        "__typename": "TimeWindowFreshnessPolicy", "failWindowSeconds": 7_200, "warnWindowSeconds": 10,
    }  # fmt: skip
    assert found["daily"]["internalFreshnessPolicy"] == {
        "__typename": "CronFreshnessPolicy", "deadlineCron": "0 0 * * *", "lowerBoundDeltaSeconds": 60, "timezone": "UTC",
    }  # fmt: skip
    states = {key: node["freshnessStatusInfo"] for key, node in found.items()}
    assert states["late"] == {"freshnessStatus": "DEGRADED"} and states["daily"] == {
        "freshnessStatus": "UNKNOWN"
    }
    assert states["parts"] is None and found["parts"]["internalFreshnessPolicy"] is None
    assert found["late"]["opTags"] == [{"key": "a", "value": "b"}]
    assert found["checked"]["requiredResources"] == [{"resourceKey": "db"}]


WHERE = 'repositoryName: "__repository__", repositoryLocationName: "code"'
DETAILS = """id name description isTopLevel resourceType configFields { name isRequired configTypeKey defaultValueAsJson }
  configuredValues { key value type } nestedResources { name type resource { name } }
  parentResources { name type resource { name } } assetKeysUsing { path } jobsOpsUsing { jobName opHandleIDs }
  schedulesUsing sensorsUsing"""


def test_resources_and_who_uses_them(still: Still) -> None:
    data = still.ask(
        f"""{{ allTopLevelResourceDetailsOrError(repositorySelector: {{{WHERE}}}) {{
            ... on ResourceDetailsList {{ results {{ {DETAILS} }} }} }}
          one: topLevelResourceDetailsOrError(resourceSelector: {{{WHERE}, resourceName: "inner"}}) {{
            ... on ResourceDetails {{ name sensorsUsing parentResources {{ name resource {{ name }} }} }} }}
          none: topLevelResourceDetailsOrError(resourceSelector: {{{WHERE}, resourceName: "dB"}}) {{ __typename
            ... on ResourceNotFoundError {{ message resourceName }} }}
          utilizedEnvVarsOrError(repositorySelector: {{{WHERE}}}) {{ ... on EnvVarWithConsumersList {{ results {{
            envVarName envVarConsumers {{ type name }} }} }} }}
          resourcesOrError(pipelineSelector: {{{WHERE}, pipelineName: "job"}}) {{ ... on ResourceConnection {{
            resources {{ name description configField {{ isRequired configType {{ __typename }} }} }} }} }}
          repositoryOrError(repositorySelector: {{{WHERE}}}) {{ ... on Repository {{
            allTopLevelResourceDetails {{ name }} }} }} }}"""
    )
    found = {one["name"]: one for one in data["allTopLevelResourceDetailsOrError"]["results"]}
    assert found["db"] == {
        "id": "code-__repository__-db", "name": "db", "description": "A database.", "isTopLevel": True,
        "resourceType": "code.Db",
        "configFields": [
            {"name": "url", "isRequired": True, "configTypeKey": "String", "defaultValueAsJson": None},
            {"name": "password", "isRequired": False, "configTypeKey": "String", "defaultValueAsJson": None},
            {"name": "n", "isRequired": False, "configTypeKey": "Int", "defaultValueAsJson": "3"},
        ],
        "configuredValues": [
            {"key": "n", "value": "5", "type": "VALUE"},
            {"key": "password", "value": "********", "type": "SECRET"},
            {"key": "url", "value": "DB_URL", "type": "ENV_VAR"},
        ],
        "nestedResources": [
            {"name": "inside", "type": "TOP_LEVEL", "resource": {"name": "inner"}},
            {"name": "nameless", "type": "ANONYMOUS", "resource": None},
        ],
        "parentResources": [], "assetKeysUsing": [{"path": ["checked"]}],
        "jobsOpsUsing": [{"jobName": "job", "opHandleIDs": ["reads"]}],
        "schedulesUsing": ["nightly"], "sensorsUsing": [],
    }  # fmt: skip
    assert data["one"] == {
        "name": "inner", "sensorsUsing": ["watches"],
        "parentResources": [{"name": "inside", "resource": {"name": "db"}}],
    }  # fmt: skip
    assert data["none"]["resourceName"] == "dB" and "known: 'db', 'inner', 'plain'" in data["none"]["message"]
    assert data["utilizedEnvVarsOrError"]["results"] == [
        {"envVarName": "DB_URL", "envVarConsumers": [{"type": "RESOURCE", "name": "db"}, {"type": "RESOURCE", "name": "inner"}]}
    ]  # fmt: skip
    assert data["resourcesOrError"]["resources"] == [
        {"name": "db", "description": "A database.",
         "configField": {"isRequired": True, "configType": {"__typename": "CompositeConfigType"}}}
    ]  # fmt: skip
    assert len(data["repositoryOrError"]["allTopLevelResourceDetails"]) == 3
