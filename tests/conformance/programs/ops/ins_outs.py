from typing import Dict, List, Optional, Tuple

from dagster import (
    Any,
    DynamicOut,
    Float,
    In,
    Int,
    List as DgList,
    Nothing,
    Optional as DgOptional,
    Out,
    Output,
    String,
    job,
    op,
    Definitions,
)


@op(out={"low": Out(int, description="small ones"), "high": Out(dagster_type=DgList[Int], is_required=False)})
def partition_numbers():
    yield Output(1, "low")
    yield Output([8, 9], output_name="high", metadata={"kept": 2})


@op(ins={"value": In(dagster_type=Int, description="a number", default_value=5)}, out=Out(String))
def as_text(value):
    return str(value)


@op(ins={"values": In(DgList[Int])}, out=Out(Float))
def average(values) -> float:
    return sum(values) / len(values)


@op(ins={"start": In(Nothing), "also": In(Nothing)})
def finish() -> str:
    return "finished"


@op
def typed(a: int, b: Optional[str] = None, c: Dict[str, int] = {"z": 1}) -> Tuple[int, str]:
    return a, b or "none"


@op(out={"left": Out(), "right": Out()})
def two_ways() -> Tuple[int, int]:
    return 1, 2


@job
def wiring():
    low, high = partition_numbers()
    text = as_text(low)
    mean = average(high)
    finish(start=[text, mean], also=as_text.alias("default_text")())


@job
def pairs():
    left, right = two_ways()
    typed(left)
    typed.alias("typed_again")(a=right)


defs = Definitions(jobs=[wiring, pairs])


def observe():
    return {
        "types": {name: definition.dagster_type.display_name for name, definition in average.ins.items()},
        "out_types": [
            definition.dagster_type.display_name for definition in (average.output_defs + as_text.output_defs)
        ],
        "typed": [
            definition.dagster_type.display_name for definition in typed.input_defs + typed.output_defs
        ],
        "defaults": [as_text.input_defs[0].default_value, typed.input_defs[1].has_default_value],
        "required": [definition.is_required for definition in partition_numbers.output_defs],
    }
