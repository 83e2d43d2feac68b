"""Stand-ins that tests make of context classes have the members that the contexts have."""

from __future__ import annotations

from unittest.mock import MagicMock, create_autospec

import pytest

import tidewheel as tw

MEMBERS = {
    tw.AssetExecutionContext: "log partition_key add_output_metadata resources asset_key run instance op_config has_tag",
    tw.AssetCheckExecutionContext: "log resources instance selected_asset_check_keys check_specs",
    tw.OpExecutionContext: "log resources op_config run_id retry_number",
    tw.InputContext: "asset_key upstream_output config definition_metadata dagster_type resource_config",
    tw.OutputContext: "asset_key add_output_metadata output_metadata mapping_key version config dagster_type",
    tw.InitResourceContext: "resource_config resources log all_resource_defs",
    tw.SensorEvaluationContext: "cursor update_cursor last_run_key repository_name instance",
    tw.RunStatusSensorContext: "dagster_run dagster_event sensor_name instance",
    tw.InitLoggerContext: "logger_config run_id",
    tw.AutomationContext: "cursor evaluation_time",
}


@pytest.mark.parametrize("cls", MEMBERS, ids=lambda cls: cls.__name__)
def test_a_stand_in_has_the_members_of_the_context(cls: type) -> None:
    stand_in = MagicMock(spec=cls)
    for name in MEMBERS[cls].split():
        getattr(stand_in, name)
    with pytest.raises(AttributeError):
        _ = stand_in.no_such_member


def test_a_stand_in_with_signatures_can_be_handed_to_a_function() -> None:
    def describe(context: tw.AssetExecutionContext) -> str:
        context.add_output_metadata({"rows": 3})
        return f"{context.partition_key}"

    context = create_autospec(tw.AssetExecutionContext, instance=True)
    context.partition_key = "a"
    assert describe(context) == "a"
    context.add_output_metadata.assert_called_once_with({"rows": 3})


def test_what_is_passed_on_still_comes_from_the_op() -> None:
    @tw.asset(partitions_def=tw.StaticPartitionsDefinition(["a"]))
    def shown(context: tw.AssetExecutionContext) -> list:
        return [
            context.partition_key,
            context.has_partition_key,
            context.op_config,
            hasattr(context, "nothing"),
        ]

    assert tw.materialize([shown], partition_key="a").output_for_node("shown") == ["a", True, None, False]


def test_a_stand_in_for_the_instance_is_the_instance() -> None:
    instance = MagicMock()
    for context in (
        tw.build_asset_context(instance=MagicMock(spec=tw.Instance)),
        tw.build_init_resource_context(instance=instance),
    ):
        context.instance.add_dynamic_partitions("names", ["a"])
        context.instance.add_dynamic_partitions.assert_called_once_with("names", ["a"])
