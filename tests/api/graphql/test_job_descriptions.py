"""What is told of a job before it is launched: the shape of its config, whether a config fits, the steps of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.api.graphql.conftest import SELECTOR
from tests.api.graphql.serving import GraphQLServer
from tidewheel.api.graphql.config_types import all_types, config_type, default_yaml
from tidewheel.definitions.config.config_schema import (
    Array,
    Enum,
    EnumValue,
    Field,
    Map,
    Noneable,
    Permissive,
    ScalarUnion,
    Selector,
    Shape,
)
from tidewheel.definitions.config.config_validation import config_json_schema

pytestmark = pytest.mark.xdist_group("graphql")

PLAN = """query($p: PipelineSelector!, $c: RunConfigData) { executionPlanOrError(pipeline: $p, mode: "default",
  runConfigData: $c) { __typename ... on Error { message }
    ... on RunConfigValidationInvalid { errors { path } }
    ... on ExecutionPlan { assetKeys { path } assetSelection assetCheckKeys { name } artifactsPersisted
      steps { key kind solidHandleID inputs { name dependsOn { key } } outputs { name } metadata { key } } } } }"""
SCHEMA = """query($p: PipelineSelector!) { runConfigSchemaOrError(selector: $p) { __typename ... on Error { message }
  ... on RunConfigSchema { rootDefaultYaml jsonSchema rootConfigType { key recursiveConfigTypes { key } }
    good: isRunConfigValid(runConfigData: {ops: {takes: {config: {n: 5}}}}) { __typename }
    bad: isRunConfigValid(runConfigData: {ops: {takes: {config: {m: 5}}}}) { __typename }
    allConfigTypes { __typename key typeParamKeys
      ... on CompositeConfigType { isSelector fields { name isRequired configTypeKey configType { key } } } } } } }"""


def plan(server: GraphQLServer, job: str, config: Any = None, **more: Any) -> dict[str, Any]:
    return server.ask(PLAN, p={**SELECTOR, "pipelineName": job, **more}, c=config)["executionPlanOrError"]


def test_the_steps_of_an_op_job(server: GraphQLServer) -> None:
    found = plan(server, "broken")
    assert (found["__typename"], found["assetKeys"], found["artifactsPersisted"]) == (
        "ExecutionPlan",
        [],
        True,
    )
    steps = {step["key"]: step for step in found["steps"]}
    assert list(steps) == ["first", "breaks"]
    assert steps["breaks"] == {
        "key": "breaks", "kind": "COMPUTE", "solidHandleID": "breaks", "outputs": [{"name": "result"}],
        "inputs": [{"name": "value", "dependsOn": [{"key": "first"}]}], "metadata": [],
    }  # fmt: skip


def test_the_steps_of_assets_and_of_a_part_of_them(server: GraphQLServer) -> None:
    whole = plan(server, "orders_job")
    assert sorted(key["path"] for key in whole["assetKeys"]) == [["orders"], ["shop", "sums"]]
    assert {step["key"] for step in whole["steps"]} >= {"orders", "shop__sums"}
    part = plan(server, "__ASSET_JOB", assetSelection=[{"path": ["by_colour"]}])  # needs no partition here
    assert [step["key"] for step in part["steps"]] == ["by_colour"] and part["assetSelection"] == [
        "by_colour"
    ]
    wrong = plan(server, "__ASSET_JOB", assetSelection=[{"path": ["nothing"]}])
    assert wrong["__typename"] == "InvalidSubsetError" and "'nothing'" in wrong["message"]


def test_a_plan_needs_a_config_that_fits(server: GraphQLServer) -> None:
    wrong = plan(server, "configured")
    assert wrong["__typename"] == "RunConfigValidationInvalid" and wrong["errors"][0]["path"][0] == "ops"
    found = plan(server, "configured", "ops: {takes: {config: {n: 1}}}")
    assert [step["key"] for step in found["steps"]] == ["takes"]
    kept = [
        plan(server, job, "ops: {takes: {config: {n: 1}}}")["artifactsPersisted"]
        for job in ("configured", "in_memory")
    ]
    assert kept == [True, False]
    assert plan(server, "configured", "ops: [")["__typename"] == "PythonError"
    assert plan(server, "no_such_job")["__typename"] == "PipelineNotFoundError"


def test_the_shape_of_a_run_config(server: GraphQLServer) -> None:
    found = server.ask(SCHEMA, p={**SELECTOR, "pipelineName": "configured"})["runConfigSchemaOrError"]
    assert found["good"]["__typename"] == "PipelineConfigValidationValid"
    assert found["bad"]["__typename"] == "RunConfigValidationInvalid"
    types = {kind["key"]: kind for kind in found["allConfigTypes"]}
    root = types[found["rootConfigType"]["key"]]
    assert set(types) == {
        root["key"],
        *(one["key"] for one in found["rootConfigType"]["recursiveConfigTypes"]),
    }

    def below(kind: dict[str, Any], name: str) -> dict[str, Any]:
        field = next(field for field in kind["fields"] if field["name"] == name)
        assert field["configTypeKey"] == field["configType"]["key"]
        return types[field["configTypeKey"]] | {"isRequired": field["isRequired"]}

    ops = below(root, "ops")
    config = below(below(ops, "takes"), "config")
    number = below(config, "n")
    assert ops["isRequired"] and number["isRequired"]
    assert number["typeParamKeys"][0] == "Int"  # or the name of a variable that holds one
    described = json.loads(found["jsonSchema"])
    assert list(described["properties"]["ops"]["properties"]) == ["takes"]
    assert "n:" not in found["rootDefaultYaml"]  # what has to be given has no default
    missing = server.ask(SCHEMA, p={**SELECTOR, "pipelineName": "none"})["runConfigSchemaOrError"]
    assert missing["__typename"] == "PipelineNotFoundError"


SHAPE = Shape(
    {
        "text": Field(str, default_value="a", description="A text."),
        "password": Field(str, default_value="hunter22"),
        "numbers": Field(Array(int), is_required=False),
        "maybe": Field(Noneable(float), default_value=None),
        "by_name": Field(Map(str, bool), is_required=False),
        "colour": Field(Enum("Colour", [EnumValue("red"), EnumValue("blue")])),
        "either": Field(ScalarUnion(scalar_type=str, non_scalar_schema=Shape({"x": int})), is_required=False),
        "one_of": Field(Selector({"a": int, "b": str}), is_required=False),
        "open": Field(Permissive({"known": Field(int, default_value=1)}), is_required=False),
    }
)


def test_every_kind_of_config_has_a_type() -> None:
    root = config_type(config_json_schema(SHAPE))
    fields = {field["name"]: field for field in root["fields"]}
    kinds = {name: (field["config_type"]["__typename"], field["config_type_key"].partition(".")[0])
             for name, field in fields.items()}  # fmt: skip
    assert kinds == {
        "text": ("RegularConfigType", "String"),
        "password": ("RegularConfigType", "String"),
        "numbers": ("ArrayConfigType", "Array"),
        "maybe": ("NullableConfigType", "Noneable"),
        "by_name": ("MapConfigType", "Map"),
        "colour": ("EnumConfigType", "Enum"),
        "either": ("ScalarUnionConfigType", "ScalarUnion"),
        "one_of": ("CompositeConfigType", "Selector"),
        "open": ("CompositeConfigType", "Permissive"),
    }
    assert fields["one_of"]["config_type"]["is_selector"] and not root["is_selector"]
    assert (
        fields["text"]["default_value_as_json"] == json.dumps("a")
        and fields["text"]["description"] == "A text."
    )
    assert [value["value"] for value in fields["colour"]["config_type"]["values"]] == ["red", "blue"]
    assert {name for name, field in fields.items() if field["is_required"]} == {"colour"}
    assert len({kind["key"] for kind in all_types(root)}) == len(all_types(root)) >= 10


def test_defaults_are_told_and_secrets_among_them_masked() -> None:
    schema = config_json_schema(SHAPE)
    fields = {field["name"]: field for field in config_type(schema)["fields"]}
    assert (
        fields["password"]["default_value_as_json"] == json.dumps("********")
        and fields["password"]["is_secret"]
    )
    assert yaml.safe_load(default_yaml(schema)) == {"text": "a", "password": "********", "open": {"known": 1}}
    assert default_yaml({"type": "object"}) == ""


PARTITION = """query($p: PipelineSelector!, $k: String!) { pipelineOrError(params: $p) { ... on Pipeline {
  partition(partitionName: $k) { name jobName
    runConfigOrError { __typename ... on PartitionRunConfig { yaml } ... on PythonError { message } }
    tagsOrError { __typename ... on PartitionTags { results { key value } } } } } } }"""


def test_what_a_partition_runs_with(server: GraphQLServer) -> None:
    def ask(job: str, key: str) -> dict[str, Any]:
        found = server.ask(PARTITION, p={**SELECTOR, "pipelineName": job}, k=key)
        return found["pipelineOrError"]["partition"]

    found = ask("dated", "2024-02-03")
    assert (found["name"], found["jobName"]) == ("2024-02-03", "dated")
    assert yaml.safe_load(found["runConfigOrError"]["yaml"]) == {"ops": {"takes": {"config": {"n": 3}}}}
    tags = {one["key"]: one["value"] for one in found["tagsOrError"]["results"]}
    assert tags["dagster/partition"] == "2024-02-03" and tags["team"] == "x"
    assert yaml.safe_load(ask("daily_job", "2024-01-02")["runConfigOrError"]["yaml"]) == {}
    wrong = ask("dated", "2023-02-03")
    assert {wrong["runConfigOrError"]["__typename"], wrong["tagsOrError"]["__typename"]} == {"PythonError"}
    page = """{ partitionSetOrError(partitionSetName: "dated_partition_set", repositorySelector: {
      repositoryName: "__repository__", repositoryLocationName: "code.py"}) { ... on PartitionSet {
      partitionsOrError(limit: 60) { ... on Partitions { results { runConfigOrError { __typename }
        tagsOrError { __typename } } } } } } }"""
    _, body = server.post(page)
    assert "at most 100 times" in str(body["errors"][0]["message"])
    of_set = server.ask(
        """{ partitionSetOrError(partitionSetName: "dated_partition_set", repositorySelector: {
             repositoryName: "__repository__", repositoryLocationName: "code.py"}) { ... on PartitionSet {
             partition(partitionName: "2024-02-05") { name runConfigOrError { ... on PartitionRunConfig { yaml } } } } } }"""
    )["partitionSetOrError"]["partition"]
    assert yaml.safe_load(of_set["runConfigOrError"]["yaml"])["ops"]["takes"]["config"] == {"n": 5}
