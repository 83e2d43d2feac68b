from dagster import Definitions, Output, asset, materialize


@asset(output_required=False)
def sometimes(context):
    if context.run.tags.get("make") == "yes":
        yield Output(7)


@asset
def follows(sometimes):
    return sometimes + 1


defs = Definitions(assets=[sometimes, follows])


def test_skipped():
    result = materialize([sometimes, follows])
    assert result.success
    assert [event.step_key for event in result.get_step_skipped_events()] == ["follows"]
    assert result.get_asset_materialization_events() == []


def test_made():
    result = materialize([sometimes, follows], tags={"make": "yes"})
    assert result.output_for_node("follows") == 8
