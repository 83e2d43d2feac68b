"""What a run that repeats a failed one can take over: steps that have succeeded before, and where their outputs are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tidewheel.logic.runs.plan import RunPlan, multiplied_key
from tidewheel.storage.ports import LedgerPort
from tidewheel.values.events import Event, EventType, OutputValue
from tidewheel.values.records import RunRecord
from tidewheel.values.tags import IS_RESUME_RETRY

MOST_ATTEMPTS = 100
"""How far back a chain of repetitions is followed."""

Outputs = dict[str, tuple[str, ...] | None]


class EarlierSteps(NamedTuple):
    """Steps that earlier runs of the chain have finished: by key, the run and the outputs it gave."""

    runs: dict[str, str]
    outputs: dict[str, Outputs]

    def keys_of(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Mapping keys of dynamic outputs, as ``RunPlan.only`` takes them."""
        found: dict[tuple[str, str], tuple[str, ...]] = {}
        for step, outputs in self.outputs.items():
            for name, keys in outputs.items():
                if keys is not None:
                    found[(step, name)] = keys
        return found


NOTHING_EARLIER = EarlierSteps({}, {})


def load_earlier_steps(ledger: LedgerPort, run: RunRecord) -> EarlierSteps:
    """Successful steps of the runs that a run repeats, the latest success of each."""
    runs: dict[str, str] = {}
    outputs: dict[str, Outputs] = {}
    parent, seen = run.parent_run_id, 0
    while parent is not None and seen < MOST_ATTEMPTS:
        seen += 1
        given = _outputs_of(stored.event for stored in ledger.get_run_log(parent))
        for step, values in given.items():
            if step not in runs:
                runs[step], outputs[step] = parent, values
        record = ledger.get_run(parent)
        parent = record.parent_run_id if record is not None else None
    return EarlierSteps(runs, outputs)


def _outputs_of(events: Iterable[Event]) -> dict[str, Outputs]:
    """Outputs of the steps that succeeded in one run."""
    given: dict[str, Outputs] = {}
    succeeded: dict[str, Outputs] = {}
    for event in events:
        key = event.step_key
        if key is None:
            continue
        if event.type in (EventType.STEP_START, EventType.STEP_RESTARTED):
            given[key] = {}
        elif event.type is EventType.STEP_OUTPUT and isinstance(event.payload, OutputValue):
            outputs = given.setdefault(key, {})
            if event.payload.mapping_key is None:
                outputs[event.payload.name] = None
            else:
                outputs[event.payload.name] = (
                    *(outputs.get(event.payload.name) or ()),
                    event.payload.mapping_key,
                )
        elif event.type is EventType.STEP_SUCCESS:
            succeeded[key] = given.get(key, {})
    return succeeded


def is_resumption(run: RunRecord) -> bool:
    """Whether a run shall only repeat what failed in its parent."""
    return run.parent_run_id is not None and run.tags.get(IS_RESUME_RETRY) == "true"


def plan_left(plan: RunPlan, earlier: EarlierSteps, keys: Iterable[str] | None = None) -> RunPlan:
    """The plan without the steps that have succeeded before (or with exactly ``keys``)."""
    keys_of = dict(earlier.keys_of())
    for step in plan.steps:
        origin = step.mapped_from
        if origin is not None and (origin.step, origin.output) in keys_of:
            keys_of[(step.key, "*")] = keys_of[(origin.step, origin.output)]
    if keys is None:
        chosen = _keys_left(plan, earlier, keys_of)
    else:
        chosen = _settled_keys(plan, list(keys), keys_of)
    return plan.only(chosen, keys_of)


def _settled_keys(
    plan: RunPlan, keys: list[str], keys_of: Mapping[tuple[str, str], tuple[str, ...]]
) -> list[str]:
    """Keys with templates spelled out whose dynamic output is taken over from an earlier run."""
    found: list[str] = []
    for key in keys:
        step = plan.step(key)
        origin = step.mapped_from if step is not None else None
        multiplied = keys_of.get((key, "*")) if origin is not None and origin.step not in keys else None
        found += [key] if multiplied is None else [multiplied_key(key, one) for one in multiplied]
    return found


def _keys_left(
    plan: RunPlan, earlier: EarlierSteps, keys_of: Mapping[tuple[str, str], tuple[str, ...]]
) -> list[str]:
    left: list[str] = []
    for step in plan.steps:
        multiplied = keys_of.get((step.key, "*")) if step.is_template else None
        if multiplied is None:
            candidates = [step.key]
        else:
            candidates = [multiplied_key(step.key, mapping_key) for mapping_key in multiplied]
        left += [key for key in candidates if key not in earlier.runs]
    return left
