"""Types: annotations of many forms, DagsterType, loaders, python objects, Any, Optional, Tuple, Dict, failing ones."""

import typing
from datetime import datetime
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple, Union

import dagster as dg
from dagster import (
    DagsterType,
    DagsterTypeCheckDidNotPass,
    DagsterTypeCheckError,
    Definitions,
    In,
    Nothing,
    Out,
    Output,
    PythonObjectDagsterType,
    TypeCheck,
    check_dagster_type,
    dagster_type_loader,
    job,
    make_python_type_usable_as_dagster_type,
    op,
    usable_as_dagster_type,
)


@dagster_type_loader({"rows": [int]})
def table_loader(_context, config):
    return Table(config["rows"])


@usable_as_dagster_type(loader=table_loader, description="rows")
class Table:
    def __init__(self, rows):
        self.rows = rows


class Point(NamedTuple):
    x: int
    y: int


class Plain:
    pass


PlainType = PythonObjectDagsterType(Plain, name="PlainType", description="plain")
make_python_type_usable_as_dagster_type(Plain, PlainType)

EvenType = DagsterType(
    name="EvenType",
    type_check_fn=lambda _, value: TypeCheck(
        success=value % 2 == 0, description="odd", metadata={"value": value}
    ),
    typing_type=int,
    metadata={"doc": "even"},
)
Broken = DagsterType(name="Broken", type_check_fn=lambda _, value: "maybe")
Raising = DagsterType(name="Raising", type_check_fn=lambda _, value: 1 / 0)
Either = PythonObjectDagsterType((int, float), name="Either")


@op
def from_config(table: Table) -> int:
    return len(table.rows)


@op
def many(
    a: int,
    b: str,
    c: Optional[int],
    d: List[str],
    e: Dict[str, int],
    f: Tuple[int, str],
    g: Set[int],
    h: Any,
    i: float,
    j: bool,
) -> Dict[str, Any]:
    return {"a": a, "c": c, "d": d, "f": list(f), "i": i}


@op
def give_a() -> int:
    return 1


@op
def give_b() -> str:
    return "b"


@op
def give_c() -> Optional[int]:
    return None


@op
def give_d() -> List[str]:
    return ["d"]


@op
def give_e() -> Dict[str, int]:
    return {"e": 1}


@op
def give_f() -> Tuple[int, str]:
    return (1, "f")


@op
def give_g() -> Set[int]:
    return {1}


@op(out=Out(float))
def give_i():
    return 1.5


@op
def give_j() -> bool:
    return True


@op
def give_output() -> Output[int]:
    return Output(3, metadata={"x": 1})


@op
def give_point() -> Point:
    return Point(1, 2)


@op
def take_point(p: Point) -> int:
    return p.x + p.y


@op
def give_plain() -> Plain:
    return Plain()


@op(ins={"p": In(PlainType)}, out=Out(Either))
def take_plain(p):
    return 1.5


@op(out=Out(EvenType))
def odd():
    return 3


@op(out=Out(Broken))
def broken():
    return 3


@op(out=Out(Raising))
def raising():
    return 3


@op
def wrong_int() -> int:
    return "no"


@op
def wrong_list() -> List[int]:
    return ["a"]


@op
def wrong_dict() -> Dict[str, int]:
    return {1: 1}


@op
def wrong_optional() -> Optional[int]:
    return "s"


@op
def int_as_float() -> float:
    return 1


@op
def none_is_fine() -> None:
    return None


@op
def not_none() -> None:
    return 3


@op
def modern() -> list[int]:
    return [1]


@op
def modern_wrong() -> dict[str, int]:
    return {"a": "b"}


@op
def pipe() -> int | None:
    return None


@op
def when() -> datetime:
    return datetime(2024, 1, 1)


@job
def fine():
    many(
        give_a(),
        give_b(),
        give_c(),
        give_d(),
        give_e(),
        give_f(),
        give_g(),
        give_output(),
        give_i(),
        give_j(),
    )
    take_point(give_point())
    take_plain(give_plain())
    none_is_fine()
    modern()
    pipe()
    when()


@job(config={"ops": {"from_config": {"inputs": {"table": {"rows": [1, 2]}}}}})
def loaded():
    from_config()


def single(definition):
    @job(name=f"job_{definition.name}")
    def made():
        definition()

    return made


WRONG = [
    odd,
    broken,
    raising,
    wrong_int,
    wrong_list,
    wrong_dict,
    wrong_optional,
    int_as_float,
    not_none,
    modern_wrong,
]
wrong_jobs = [single(one) for one in WRONG]
defs = Definitions(jobs=[fine, loaded, *wrong_jobs])


@op
def takes_text(x: str):
    return x


@job
def mismatch():
    takes_text(give_a())


def observe():
    shown = {}
    for one, definition in zip(wrong_jobs, WRONG):
        try:
            result = one.execute_in_process()
            shown[definition.name] = "ok"
        except Exception as e:
            shown[definition.name] = [
                type(e).__name__.removeprefix("Dagster"),
                sorted(k for k in getattr(e, "metadata", {}) or {}),
                getattr(getattr(e, "dagster_type", None), "display_name", None),
            ]
    try:
        mismatch.execute_in_process()
    except Exception as e:
        shown["mismatch"] = type(e).__name__.removeprefix("Dagster")
    shown["names"] = {d.name: d.dagster_type.display_name for d in many.input_defs}
    shown["outs"] = {
        o.name: o.output_defs[0].dagster_type.display_name
        for o in [
            give_a,
            give_c,
            give_e,
            give_f,
            give_output,
            give_point,
            take_plain,
            odd,
            none_is_fine,
            modern,
            pipe,
            when,
        ]
    }
    shown["kinds"] = [
        EvenType.unique_name,
        EvenType.key,
        EvenType.typing_type.__name__,
        PlainType.python_type.__name__,
        EvenType.is_nothing,
    ]
    shown["checked"] = [
        check_dagster_type(dg.Int, 3).success,
        check_dagster_type(dg.List[dg.Int], [1]).success,
        check_dagster_type(EvenType, 3).description,
        check_dagster_type(EvenType, 4).success,
    ]
    return shown
