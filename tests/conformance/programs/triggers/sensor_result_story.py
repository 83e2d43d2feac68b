from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetMaterialization,
    AssetObservation,
    AssetSpec,
    Definitions,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    build_sensor_context,
    instance_for_test,
    sensor,
    AssetKey,
    asset,
)

outside = AssetSpec("outside", group_name="external")


@asset(deps=[outside])
def inside(): ...


@sensor(target=[inside])
def tells(context: SensorEvaluationContext) -> SensorResult:
    count = int(context.cursor or "0") + 1
    return SensorResult(
        asset_events=[
            AssetMaterialization(asset_key="outside", metadata={"count": count}),
            AssetObservation(asset_key=AssetKey("outside"), metadata={"seen": True}),
        ],
        cursor=str(count),
    )


@sensor(target=[inside])
def only_skip(context):
    return SensorResult(skip_reason=SkipReason("nothing"), cursor="kept")


@sensor(target=[inside])
def in_a_list(context):
    return [SensorResult(run_requests=[RunRequest(run_key="x")], cursor="c")]


@sensor(target=[inside])
def yields_result(context):
    yield SensorResult(run_requests=[RunRequest(run_key="y")])


@sensor(target=[inside])
def empty(context):
    return SensorResult()


@sensor(target=[inside])
def clears(context):
    context.update_cursor(None)
    return SkipReason("cleared")


defs = Definitions(
    assets=[outside, inside], sensors=[tells, only_skip, in_a_list, yields_result, empty, clears]
)


def test_events():
    with instance_for_test() as instance:
        context = build_sensor_context(
            instance=instance, cursor="4", repository_def=defs.get_repository_def()
        )
        result = tells(context)
        assert result.cursor == "5"
        assert result.asset_events[0].metadata["count"].value == 5
        data = tells.evaluate_tick(context)
        assert len(data.asset_events) == 2 and data.skip_message is not None
