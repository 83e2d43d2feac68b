"""Step selections: ``["a", "*b", "c++"]`` and the keys of the steps that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tidewheel.logic.runs.plan import RunPlan

_CLAUSE = re.compile(r"^(\*|\+*)(.+?)(\*|\+*)$")


def select_steps(plan: RunPlan, clauses: Iterable[str]) -> list[str]:
    """Keys of the selected steps, in the order of the clauses.

    A leading ``*`` takes everything upstream, each leading ``+`` one level; likewise behind the key for downstream. Keys
    that the plan does not have stay as they are: they may be those of steps below a dynamic output.
    """
    above: Mapping[str, frozenset[str]] = {step.key: step.depends_on for step in plan.steps}
    below: dict[str, set[str]] = {step.key: set() for step in plan.steps}
    for key, upstream in above.items():
        for one in upstream:
            below.setdefault(one, set()).add(key)
    chosen: dict[str, None] = {}
    for clause in clauses:
        match = _CLAUSE.match(clause)
        if match is None:
            chosen[clause] = None
            continue
        up, key, down = match.groups()
        chosen[key] = None
        for found in (*sorted(_reach(above, key, up)), *sorted(_reach(below, key, down))):
            chosen[found] = None
    return list(chosen)


def _reach(edges: Mapping[str, Iterable[str]], start: str, marks: str) -> set[str]:
    """What is reached along the edges: everything for ``*``, otherwise one level for each ``+``."""
    reached: set[str] = set()
    front, levels = {start}, None if marks == "*" else len(marks)
    while front and (levels is None or levels > 0):
        front = {found for one in front for found in edges.get(one, ())} - reached
        reached |= front
        levels = None if levels is None else levels - 1
    return reached
