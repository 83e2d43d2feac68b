"""Generators with their return annotated, and values that do not matter, as people write them."""

from collections.abc import Generator as AbcGenerator
from typing import Any, AsyncGenerator, Generator, Iterable, Iterator, List, Union

from dagster import (
    AssetExecutionContext,
    AssetMaterialization,
    AssetOut,
    AssetSpec,
    Definitions,
    DynamicOut,
    DynamicOutput,
    MaterializeResult,
    Out,
    Output,
    asset,
    job,
    materialize,
    multi_asset,
    op,
)


@op
def plain() -> Iterator[Output[int]]:
    yield Output(1)


@op(out=DynamicOut())
def pieces() -> Generator[DynamicOutput[int], None, None]:
    for n in range(2):
        yield DynamicOutput(n, mapping_key=str(n))


@op(out={"a": Out(), "b": Out()})
def both() -> Generator[Output, Any, None]:
    yield Output(1, "a")
    yield Output(2, "b")


@op
def mixed(x) -> Iterator[Union[AssetMaterialization, Output]]:
    yield AssetMaterialization("m")
    yield Output(x)


@op
def total(numbers: List[int]) -> int:
    return sum(numbers)


@asset
def made() -> Iterator[Output[int]]:
    yield Output(5, metadata={"n": 1})


@asset
def result_made() -> Iterable[MaterializeResult]:
    yield MaterializeResult(metadata={"n": 2})


@multi_asset(specs=[AssetSpec("x"), AssetSpec("y")])
def xy(context: AssetExecutionContext) -> AbcGenerator[MaterializeResult, None, None]:
    yield MaterializeResult("x")
    yield MaterializeResult("y")


@multi_asset(outs={"p": AssetOut(), "q": AssetOut()})
def pq() -> Iterator[Output]:
    yield Output(1, "p")
    yield Output(2, "q")


@asset
def ignores(made: None) -> None:
    pass


@job
def generators():
    mixed(plain())
    total(pieces().map(lambda n: n).collect()) if False else total(pieces().collect())
    both()


defs = Definitions(assets=[made, result_made, xy, pq, ignores], jobs=[generators])


def observe():
    return [
        generators.execute_in_process().output_for_node("total"),
        materialize([made, xy, pq]).output_for_node("made"),
    ]
