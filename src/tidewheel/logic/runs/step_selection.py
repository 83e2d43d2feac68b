"""Step selections: ``["a", "*b", "c++"]`` and the keys of the steps that they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tidewheel.logic.runs.plan import RunPlan, multiplied_key, template_key

_CLAUSE = re.compile(r"^(\*|\+*)(.+?)(\*|\+*)$")


KeysOf = Mapping[tuple[str, str], tuple[str, ...]]
"""The mapping keys that an earlier run yielded; those of a template stand under ``(template, "*")``."""


def select_steps(plan: RunPlan, clauses: Iterable[str], keys_of: KeysOf | None = None) -> list[str]:
    """Keys of the selected steps, in the order of the clauses.

    A leading ``*`` takes everything upstream, each leading ``+`` one level; likewise behind the key for downstream. Steps
    that an earlier run made of templates (``keys_of``) can be named too. Keys that are unknown stay as they are: they
    may be those of steps below a dynamic output.
    """
    above = _upstream(plan, keys_of or {})
    below: dict[str, set[str]] = {key: set() for key in above}
    for key, upstream in above.items():
        for one in upstream:
            below.setdefault(one, set()).add(key)
    chosen: dict[str, None] = {}
    for up, key, down in map(_parts, clauses):
        chosen[key] = None
        for found in (*sorted(_reach(above, key, up)), *sorted(_reach(below, key, down))):
            chosen[found] = None
    return list(chosen)


def unknown_steps(plan: RunPlan, clauses: Iterable[str], keys_of: KeysOf) -> list[str]:
    """Keys of clauses that name no step: none of the plan, and none that an earlier run made and this one still has.

    A step that was made of a template is gone when its dynamic output is made again.
    """
    named = list(clauses)
    known = _upstream(plan, keys_of)
    chosen = set(select_steps(plan, named, keys_of))
    found = [key for _up, key, _down in map(_parts, named) if key not in known]
    for step in plan.steps:
        if step.mapped_from is None or step.key in chosen or step.mapped_from.step not in chosen:
            continue
        found += [key for key in sorted(chosen) if key != step.key and template_key(key) == step.key]
    return found


def _parts(clause: str) -> tuple[str, str, str]:
    match = _CLAUSE.match(clause)
    return (match[1], match[2], match[3]) if match is not None else ("", clause, "")


def _upstream(plan: RunPlan, keys_of: KeysOf) -> dict[str, set[str]]:
    """The steps from which each step takes a value, steps made of templates by an earlier run included."""
    origins = {step.key: step.mapped_from for step in plan.steps if step.is_template}
    found: dict[str, set[str]] = {}
    for step in plan.steps:
        direct = {ref.step for ref in step.output_refs()} or set(step.depends_on)
        found[step.key] = set(direct)
        if not step.is_template:
            for one in direct & origins.keys():
                found[step.key] |= {multiplied_key(one, key) for key in keys_of.get((one, "*"), ())}
            continue
        for key in keys_of.get((step.key, "*"), ()):
            found[multiplied_key(step.key, key)] = {
                multiplied_key(one, key) if origins.get(one) == step.mapped_from else one for one in direct
            }
    return found


def _reach(edges: Mapping[str, Iterable[str]], start: str, marks: str) -> set[str]:
    """What is reached along the edges: everything for ``*``, otherwise one level for each ``+``."""
    reached: set[str] = set()
    front, levels = {start}, None if marks == "*" else len(marks)
    while front and (levels is None or levels > 0):
        front = {found for one in front for found in edges.get(one, ())} - reached
        reached |= front
        levels = None if levels is None else levels - 1
    return reached
