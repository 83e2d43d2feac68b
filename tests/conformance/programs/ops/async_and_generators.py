import asyncio

from dagster import AssetMaterialization, Definitions, ExpectationResult, Out, Output, asset, job, op


@op
async def slow_number():
    await asyncio.sleep(0)
    return 7


@op
async def slow_yield(number):
    await asyncio.sleep(0)
    yield AssetMaterialization("side_effect", metadata={"n": number})
    yield Output(number + 1)


@op
def expectations(number):
    yield ExpectationResult(success=number > 5, label="above_five", metadata={"number": number})
    yield Output(number)


@asset
async def awaited():
    await asyncio.sleep(0)
    return "now"


@op
def returns_output() -> Output[int]:
    return Output(3, metadata={"m": 1})


@job
def asynchronous():
    expectations(slow_yield(slow_number()))
    returns_output()


defs = Definitions(assets=[awaited], jobs=[asynchronous])


def test_expectation():
    result = asynchronous.execute_in_process()
    (expectation,) = result.expectation_results_for_node("expectations")
    assert expectation.success and expectation.label == "above_five"
