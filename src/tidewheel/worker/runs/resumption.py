"""What a run that repeats a failed one can take over: steps that have succeeded before, and where their outputs are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tidewheel.logic.runs.plan import RunPlan, multiplied_key, template_key
from tidewheel.logic.runs.step_selection import select_steps
from tidewheel.storage.ports.ledger import LedgerPort
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

    def without(self, keys: Iterable[str]) -> EarlierSteps:
        """What is left when steps are made again; with a template, all steps that were made of it."""
        again = set(keys)
        kept = [key for key in self.runs if key not in again and template_key(key) not in again]
        return EarlierSteps({key: self.runs[key] for key in kept}, {key: self.outputs[key] for key in kept})


NOTHING_EARLIER = EarlierSteps({}, {})


def load_earlier_steps(ledger: LedgerPort, repeated: str | None) -> EarlierSteps:
    """Successful steps of a run that is repeated, and of those that it repeated; the latest success of each."""
    runs: dict[str, str] = {}
    outputs: dict[str, Outputs] = {}
    parent, seen = repeated, 0
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


def plan_left(plan: RunPlan, earlier: EarlierSteps, clauses: Iterable[str] | None = None) -> RunPlan:
    """The plan without the steps that have succeeded before (or with exactly the selected ones)."""
    keys_of = keys_of_templates(plan, earlier)
    if clauses is None:
        return plan.only(_keys_left(plan, earlier, keys_of), keys_of)
    chosen = select_steps(plan, clauses, keys_of)
    kept = keys_of_templates(plan, earlier.without(chosen))
    return plan.only(_settled_keys(plan, chosen, kept), dict(kept))


def keys_of_templates(plan: RunPlan, earlier: EarlierSteps) -> dict[tuple[str, str], tuple[str, ...]]:
    """Mapping keys of the earlier runs' dynamic outputs, and under ``(template, "*")`` of what they multiply."""
    keys_of = earlier.keys_of()
    for step in plan.steps:
        origin = step.mapped_from
        if origin is not None and (origin.step, origin.output) in keys_of:
            keys_of[(step.key, "*")] = keys_of[(origin.step, origin.output)]
    return keys_of


def _settled_keys(
    plan: RunPlan, keys: list[str], keys_of: Mapping[tuple[str, str], tuple[str, ...]]
) -> list[str]:
    """Keys with templates spelled out whose dynamic output is taken over from an earlier run.

    Where it is made again, the template stands for its steps, and those of the earlier run are gone.
    """
    found: list[str] = []
    for key in keys:
        step = plan.step(key)
        if step is not None and step.is_template and (key, "*") in keys_of:
            found += [multiplied_key(key, one) for one in keys_of[(key, "*")]]
        elif step is not None or template_key(key) not in keys or (template_key(key), "*") in keys_of:
            found.append(key)
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
