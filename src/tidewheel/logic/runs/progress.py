"""The progress of a run: from what has happened to the steps that are ready, skipped or given up.

Rules (semantics D23 - D27): dependents of a failed step are given up silently, other branches go on; a step whose input
was not yielded is skipped, and so are its dependents; a list of inputs takes what there is and is skipped only if
nothing is there; a dynamic output without values gives an empty list.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from enum import Enum

from tidewheel.logic.runs.plan import OutputRef, PlannedStep, RunPlan, multiply, settle_collected


class StepState(Enum):
    """Where a step is."""

    WAITING = "waiting"
    READY = "ready"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    GIVEN_UP = "given_up"


_OVER = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED, StepState.GIVEN_UP})
_BAD = frozenset({StepState.FAILED, StepState.GIVEN_UP})

YieldedOutputs = Mapping[str, tuple[str, ...] | None]
"""Output name → ``None`` for a plain output, the mapping keys in yield order for a dynamic one."""


class RunProgress:
    """Tracks one run. Deterministic: the same calls give the same answers; it reads no clock.

    Every call costs what it changes (the dependents of the step), never the size of the plan.
    """

    def __init__(self, plan: RunPlan, earlier: Mapping[str, YieldedOutputs] | None = None) -> None:
        """``earlier``: outputs of steps that are not in the plan, since an earlier run has made them."""
        self._earlier = earlier or {}
        self._steps: dict[str, PlannedStep] = {}
        self._order: dict[str, int] = {}
        self._state: dict[str, StepState] = {}
        self._outputs: dict[str, YieldedOutputs] = {}
        self._waits_for: dict[str, set[str]] = {}
        self._dependents: dict[str, list[str]] = {}
        self._templates: dict[str, PlannedStep] = {}
        self._keys_of: dict[tuple[str, str], tuple[str, ...]] = {}
        self._ready: list[tuple[int, int, int, str]] = []
        self._round = 0
        self._retries: list[tuple[float, int, str]] = []
        self._skipped: list[str] = []
        self._attempts: dict[str, int] = {}
        self._open = 0
        self._planned = {step.key for step in plan.steps}
        for step in plan.steps:
            if step.is_template and step.mapped_from is not None and step.mapped_from.step in self._planned:
                self._templates[step.key] = step
        for step in plan.steps:
            if step.key not in self._templates:
                self._add(step)
        for step in plan.steps:
            if step.key in self._state and not self._waits_for[step.key]:
                self._decide(step.key)

    # -- what happened ------------------------------------------------------------------------------------

    def start(self, key: str) -> PlannedStep:
        """A ready step begins; its plan entry with all sources spelled out."""
        if self._state[key] not in (StepState.READY, StepState.RETRYING):
            raise ValueError(f"expected step {key!r} to be ready, got {self._state[key].value}")
        self._state[key] = StepState.RUNNING
        return self._steps[key]

    def succeed(self, key: str, outputs: YieldedOutputs) -> None:
        """A step ended well and yielded these outputs."""
        self._outputs[key] = outputs
        self._finish(key, StepState.SUCCEEDED)

    def fail(self, key: str) -> None:
        """A step ended badly, for good."""
        self._finish(key, StepState.FAILED)

    def retry(self, key: str, not_before: float) -> None:
        """A step is to be tried again, not before a moment (seconds on the caller's clock)."""
        self._attempts[key] = self._attempts.get(key, 0) + 1
        self._state[key] = StepState.RETRYING
        heapq.heappush(self._retries, (not_before, self._order[key], key))

    # -- what follows -------------------------------------------------------------------------------------

    def take_ready(self, now: float, *, limit: int | None = None) -> list[str]:
        """Ready steps, the most important first, then as they became ready; due repetitions included. Handed out once."""
        while self._retries and self._retries[0][0] <= now:
            self._push(heapq.heappop(self._retries)[2])
        taken: list[str] = []
        while self._ready and (limit is None or len(taken) < limit):
            taken.append(heapq.heappop(self._ready)[3])
        return taken

    def put_back(self, key: str) -> None:
        """A ready step that cannot begin yet (its pool is full) is ready again."""
        self._push(key)

    def take_skipped(self) -> list[str]:
        """Steps that were skipped since the last call, in order."""
        skipped, self._skipped = self._skipped, []
        return skipped

    @property
    def ready_count(self) -> int:
        """How many steps could begin now (without repetitions that wait)."""
        return len(self._ready)

    @property
    def next_retry_at(self) -> float | None:
        """When the next repetition is due."""
        return self._retries[0][0] if self._retries else None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to happen."""
        return self._open == 0

    def attempts(self, key: str) -> int:
        """How often a step has been repeated so far."""
        return self._attempts.get(key, 0)

    def state(self, key: str) -> StepState:
        """Where a step is."""
        return self._state[key]

    def is_open(self, key: str) -> bool:
        """Whether something can still happen to a step (or to those that a template will become)."""
        return key in self._templates or self._state.get(key) not in (*_OVER, None)

    def step(self, key: str) -> PlannedStep:
        """A step's plan entry as far as it is known."""
        return self._steps[key]

    def keys(self, *states: StepState) -> list[str]:
        """Keys of all steps in some states, in plan order."""
        return [key for key, state in self._state.items() if state in states]

    @property
    def has_failed(self) -> bool:
        """Whether the run as it is now ends as a failure."""
        return any(state is StepState.FAILED for state in self._state.values())

    def may_become_parallel(self, key: str) -> bool:
        """Whether, besides a step, another one could run before the run is over.

        False only if everything that is left is a chain: then there is nothing to gain from further processes.
        """
        if self._ready or self._retries or self._templates:
            return True
        left = {k for k, state in self._state.items() if state not in _OVER}
        left.discard(key)
        if any(self._state[k] is StepState.RUNNING for k in left):
            return True
        return not self._is_chain(key, left)

    # -- inner workings -----------------------------------------------------------------------------------

    def _is_chain(self, start: str, left: set[str]) -> bool:
        """Whether the steps that are left can only run one after another, the first after ``start``."""
        waiting = {k: set(self._waits_for[k]) for k in left}
        current = start
        while True:
            if any(output.dynamic for output in self._steps[current].outputs):
                return False
            followers = [k for k in self._dependents.get(current, ()) if k in waiting]
            for follower in followers:
                waiting[follower].discard(current)
            free = [k for k in followers if not waiting[k]]
            if len(free) > 1 or (not free and waiting):
                return False
            if not free:
                return True
            current = free[0]
            del waiting[current]

    def _add(self, step: PlannedStep) -> None:
        key = step.key
        self._steps[key] = step
        self._order[key] = len(self._order)
        self._state[key] = StepState.WAITING
        self._open += 1
        self._waits_for[key] = set()
        self._wait_for_sources(key)

    def _wait_for_sources(self, key: str) -> None:
        """(Re)compute what a step waits for, from its sources as they are spelled out now."""
        waits = self._waits_for[key]
        for upstream in self._steps[key].depends_on:
            if upstream in self._templates:
                origin = self._templates[upstream].mapped_from
                upstream = origin.step if origin is not None else upstream
            is_known = upstream in self._state or upstream in self._planned
            if is_known and self._state.get(upstream) not in _OVER and upstream not in waits:
                waits.add(upstream)
                self._dependents.setdefault(upstream, []).append(key)

    def _finish(self, key: str, state: StepState) -> None:
        self._round += 1
        over = [(key, state)]
        while over:
            key, state = over.pop(0)
            self._state[key] = state
            self._open -= 1
            affected = self._expand(key, state)
            for dependent in self._dependents.pop(key, ()):
                self._waits_for[dependent].discard(key)
                affected.append(dependent)
            for dependent in dict.fromkeys(affected):
                if not self._waits_for[dependent] and self._state[dependent] is StepState.WAITING:
                    end = self._decide(dependent)
                    if end is not None:
                        over.append((dependent, end))

    def _decide(self, key: str) -> StepState | None:
        """Everything a step waits for is over: it becomes ready, or ends here (the state it ends in is returned)."""
        step = self._steps[key]
        refs = list(step.output_refs())
        sources = {ref.step for ref in refs} | ({step.mapped_from.step} if step.mapped_from else set())
        if any(self._state.get(source) in _BAD for source in sources):
            return StepState.GIVEN_UP
        for planned in step.inputs:
            taken = [source for source in planned.sources if isinstance(source, OutputRef)]
            if not taken:
                continue
            there = [ref for ref in taken if self._is_there(ref)]
            if not there or (len(there) < len(taken) and not planned.fan_in):
                if not step.is_template:  # one that was never multiplied is no step that anyone saw planned
                    self._skipped.append(key)
                return StepState.SKIPPED
        self._state[key] = StepState.READY
        self._push(key)
        return None

    def _push(self, key: str) -> None:
        """Among equally important steps those that became ready first go first; then as the plan has them."""
        heapq.heappush(self._ready, (-self._steps[key].priority, self._round, self._order[key], key))

    def _is_there(self, ref: OutputRef) -> bool:
        state = self._state.get(ref.step)
        if state is None:
            if ref.step not in self._earlier:
                return True  # not part of this plan and nothing known of it: take it as made before
            outputs = self._earlier[ref.step]
        elif state is not StepState.SUCCEEDED:
            return False
        else:
            outputs = self._outputs.get(ref.step, {})
        if ref.output not in outputs:
            return False
        keys = outputs[ref.output]
        return ref.mapping_key is None or keys is None or ref.mapping_key in keys

    def is_available(self, ref: OutputRef) -> bool:
        """Whether a source of a list can be loaded (others are left out)."""
        return self._is_there(ref)

    def _expand(self, key: str, state: StepState) -> list[str]:
        """Multiply the templates below a step that is over; returns the keys of steps to look at again."""
        step = self._steps[key]
        dynamic = [output.name for output in step.outputs if output.dynamic]
        if not dynamic:
            return []
        affected: list[str] = []
        yielded = self._outputs.get(key, {}) if state is StepState.SUCCEEDED else {}
        for name in dynamic:
            templates = [t for t in self._templates.values() if _is_below(t, key, name)]
            for template in templates:
                del self._templates[template.key]
            if state is not StepState.SUCCEEDED:
                for template in templates:
                    self._add(template)
                    affected.append(template.key)
            elif (
                name not in yielded
            ):  # an optional one without values: nothing to multiply, nothing to collect
                for template in templates:
                    self._state[template.key] = StepState.SKIPPED
            else:
                keys = yielded[name] or ()
                self._keys_of[(key, name)] = keys
                for template in templates:
                    self._keys_of[(template.key, "*")] = keys
                    affected += self._multiply(template, keys)
        self._settle_collected()
        return affected

    def _multiply(self, template: PlannedStep, keys: Iterable[str]) -> list[str]:
        added = []
        for mapping_key in keys:
            step = multiply(template, mapping_key)
            self._planned.add(step.key)
            self._add(step)
            added.append(step.key)
        return added

    def _settle_collected(self) -> None:
        for collector, step in list(self._steps.items()):
            if self._state[collector] is StepState.WAITING and any(
                ref.collected for ref in step.output_refs()
            ):
                settled = settle_collected(step, self._keys_of)
                if settled is not step:
                    self._steps[collector] = settled
                    self._wait_for_sources(collector)
        for name, template in list(self._templates.items()):
            self._templates[name] = settle_collected(template, self._keys_of)


def _is_below(template: PlannedStep, step: str, output: str) -> bool:
    origin = template.mapped_from
    return origin is not None and origin.step == step and origin.output == output
