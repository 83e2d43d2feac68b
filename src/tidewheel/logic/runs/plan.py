"""A run's plan: its steps, where each takes its inputs from, and how dynamic outputs multiply steps.

The plan holds no user code and can be stored or sent. A step below a dynamic output is a *template* with a key such as
``clean[?]``; when the dynamic output is known, the template becomes one step for each of its keys (``clean[a]``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Optional, Union

import msgspec

from tidewheel.logic.runs.retry import RetryRule

UNKNOWN_KEY = "?"


class OutputRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="output"):
    """An output of another step.

    ``mapping_key`` names one value of a dynamic output (``"?"`` in a template). ``collected``: all values of a dynamic
    output, or the outputs of all steps made of a template, as a list in the order in which they were yielded.
    """

    step: str
    output: str = "result"
    mapping_key: Optional[str] = None
    collected: bool = False


class AssetRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="asset"):
    """The stored value of an asset that this run does not make (wire text of its key)."""

    asset: str


class ValueRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="value"):
    """A value that is known before the run.

    ``kind``: ``config`` (the step's run config), ``graph_config`` (the run config of an enclosing graph, at ``path``),
    ``argument`` (given to the job under ``name``), ``default`` (of the op's input), ``manager`` (an input manager
    loads it).
    """

    kind: Literal["config", "graph_config", "argument", "default", "manager"]
    path: tuple[str, ...] = ()
    name: str = ""


InputSource = Union[OutputRef, AssetRef, ValueRef]


class PlannedInput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input of a step. ``fan_in``: a list of the values of all sources; otherwise there is one source."""

    name: str
    sources: tuple[InputSource, ...] = ()
    fan_in: bool = False


class PlannedOutput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One output of a step."""

    name: str = "result"
    required: bool = True
    dynamic: bool = False


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step. ``path``: the node names from the job's graph down to the op.

    ``mapped_from``: the dynamic output that multiplies this step; ``mapping_key``: the key, once it is known.
    """

    key: str
    path: tuple[str, ...]
    inputs: tuple[PlannedInput, ...] = ()
    outputs: tuple[PlannedOutput, ...] = ()
    priority: int = 0
    pool: Optional[str] = None
    retry: Optional[RetryRule] = None
    mapped_from: Optional[OutputRef] = None
    mapping_key: Optional[str] = None

    @property
    def is_template(self) -> bool:
        """Whether the step still has to be multiplied."""
        return self.mapped_from is not None and self.mapping_key is None

    def output_refs(self) -> Iterator[OutputRef]:
        """All outputs of other steps that this step takes."""
        for planned in self.inputs:
            for source in planned.sources:
                if isinstance(source, OutputRef):
                    yield source

    @property
    def depends_on(self) -> frozenset[str]:
        """Keys of the steps (or templates) that must be over before this one can be decided."""
        keys = {ref.step for ref in self.output_refs()}
        if self.mapped_from is not None:
            keys.add(self.mapped_from.step)
        return frozenset(keys)


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All steps of a run, each after those it depends on."""

    steps: tuple[PlannedStep, ...] = ()

    def step(self, key: str) -> PlannedStep | None:
        """The step or template of this key."""
        return next((step for step in self.steps if step.key == key), None)

    def only(
        self, keys: Iterable[str], keys_of: dict[tuple[str, str], tuple[str, ...]] | None = None
    ) -> RunPlan:
        """The plan cut to some steps.

        A key such as ``clean[a]`` gives that one step of a template whose dynamic output was made by an earlier run;
        ``keys_of`` (see ``settle_collected``) holds the mapping keys which that run yielded.
        """
        wanted = list(dict.fromkeys(keys))
        by_key = {step.key: step for step in self.steps}
        chosen: list[PlannedStep] = []
        for step in self.steps:
            if step.key in wanted:
                chosen.append(settle_collected(step, keys_of or {}))
            elif step.is_template:
                for key in wanted:
                    if key not in by_key and template_key(key) == step.key:
                        chosen.append(multiply(step, key.partition("[")[2].rstrip("]")))
        return RunPlan(steps=tuple(chosen))

    def roots(self) -> tuple[PlannedStep, ...]:
        """Steps that wait for no other step of the plan."""
        known = {step.key for step in self.steps}
        return tuple(step for step in self.steps if not (step.depends_on & known))


def template_key(key: str) -> str:
    """``clean[a]`` → ``clean[?]``; other keys stay."""
    head, bracket, _ = key.partition("[")
    return f"{head}[{UNKNOWN_KEY}]" if bracket else key


def multiplied_key(template: str, mapping_key: str) -> str:
    """``clean[?]`` and ``a`` → ``clean[a]``."""
    return template.replace(f"[{UNKNOWN_KEY}]", f"[{mapping_key}]")


def multiply(template: PlannedStep, mapping_key: str) -> PlannedStep:
    """The step that a template becomes for one key of its dynamic output."""

    def settle(source: InputSource) -> InputSource:
        if not isinstance(source, OutputRef) or source.collected:
            return source
        step = multiplied_key(source.step, mapping_key)
        key = mapping_key if source.mapping_key == UNKNOWN_KEY else source.mapping_key
        return msgspec.structs.replace(source, step=step, mapping_key=key)

    inputs = tuple(
        msgspec.structs.replace(planned, sources=tuple(settle(source) for source in planned.sources))
        for planned in template.inputs
    )
    return msgspec.structs.replace(
        template, key=multiplied_key(template.key, mapping_key), inputs=inputs, mapping_key=mapping_key
    )


def settle_collected(step: PlannedStep, keys_of: dict[tuple[str, str], tuple[str, ...]]) -> PlannedStep:
    """The step with its collected sources spelled out, where they are known.

    ``keys_of``: (step or template key, output) → mapping keys in yield order. A template's outputs are known under
    the output name ``*``.
    """
    if not any(ref.collected for ref in step.output_refs()):
        return step
    inputs = []
    for planned in step.inputs:
        sources: list[InputSource] = []
        for source in planned.sources:
            if isinstance(source, OutputRef) and source.collected:
                sources.extend(_spell_out(source, keys_of))
            else:
                sources.append(source)
        inputs.append(msgspec.structs.replace(planned, sources=tuple(sources)))
    return msgspec.structs.replace(step, inputs=tuple(inputs))


def _spell_out(source: OutputRef, keys_of: dict[tuple[str, str], tuple[str, ...]]) -> list[InputSource]:
    keys = keys_of.get((source.step, source.output))
    if keys is not None:
        return [OutputRef(step=source.step, output=source.output, mapping_key=key) for key in keys]
    keys = keys_of.get((source.step, "*"))
    if keys is not None:
        return [OutputRef(step=multiplied_key(source.step, key), output=source.output) for key in keys]
    return [source]
