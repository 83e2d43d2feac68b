from dagster import AssetExecutionContext, Definitions, Failure, MetadataValue, asset, materialize


@asset
def good():
    return 1


@asset
def breaks(good):
    raise ValueError(f"cannot take {good}")


@asset
def never_reached(breaks):
    return breaks


@asset(deps=[good])
def fails_politely(context: AssetExecutionContext):
    raise Failure(
        description="The supplier closed early.",
        metadata={"supplier": "Hansen", "hours": MetadataValue.int(4)},
        allow_retries=False,
    )


@asset(deps=[good])
def unaffected() -> str:
    return "still here"


defs = Definitions(assets=[good, breaks, never_reached, fails_politely, unaffected])


def test_raises():
    import pytest

    with pytest.raises(ValueError, match="cannot take 1"):
        materialize([good, breaks])


def test_result_of_failed_run():
    result = materialize([good, breaks, never_reached], raise_on_error=False)
    assert not result.success
    assert result.failure_data_for_node("breaks").error.cls_name == "DagsterExecutionStepExecutionError"
    assert [event.step_key for event in result.get_step_failure_events()] == ["breaks"]
    assert [event.step_key for event in result.get_step_success_events()] == ["good"]
