"""``execute_job``: a whole run from a script, with the job's own executor; and repeating an earlier run's failed part."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.definitions.jobs.asset_jobs import UnresolvedAssetJobDefinition
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.jobs.job_config import ResolvedRunConfig
from tidewheel.definitions.jobs.run_config import plain_run_config
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.errors import InvariantViolationError, ParameterCheckError, RunNotFoundError, StepNotFoundError
from tidewheel.logic.runs.step_selection import unknown_steps
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.views.run_views import view_run
from tidewheel.values.keys import AssetKey
from tidewheel.values.records import RunRecord
from tidewheel.values.tags import IS_RESUME_RETRY, PARENT_RUN_ID, ROOT_RUN_ID, normalize_tags
from tidewheel.worker.planning.plan_builder import build_run_plan
from tidewheel.worker.runs.execution_result import JobExecutionResult
from tidewheel.worker.runs.in_process import InProcessRun
from tidewheel.worker.runs.resumption import (
    NOTHING_EARLIER,
    keys_of_templates,
    load_earlier_steps,
    plan_left,
)
from tidewheel.worker.runs.run_executor import IN_PROCESS
from tidewheel.worker.steps.stored_outputs import StoredOutputs


class ReexecutionOptions:
    """What to repeat of an earlier run: ``step_selection``, or what did not succeed."""

    def __init__(self, parent_run_id: str, step_selection: Sequence[str] = ()) -> None:
        if not isinstance(parent_run_id, str):
            raise ParameterCheckError(f"expected parent_run_id as text, got {parent_run_id!r}")
        self.parent_run_id = parent_run_id
        self.step_selection = list(step_selection)
        self.is_from_failure = False

    @staticmethod
    def from_failure(run_id: str, instance: Instance) -> ReexecutionOptions:
        """Repeat what did not succeed in a run.

        Raises:
            InvariantViolationError: when the run has not failed.
        """
        run = instance.get_run_by_id(run_id)
        if run is None or not run.is_failure_or_canceled:
            raise InvariantViolationError(
                f"expected a run that failed, got {run_id!r} ({run.status.value if run is not None else 'unknown'})"
            )
        made = ReexecutionOptions(run_id)
        made.is_from_failure = True
        return made


class ReconstructableJob:
    """A job named by the function (or variable) that gives it, so that another process could find it again."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def get_definition(self) -> JobDefinition:
        """The job."""
        return job_of(self._target)

    @property
    def job_name(self) -> str:
        """The job's name."""
        return self.get_definition().name


def reconstructable(target: Any) -> ReconstructableJob:
    """Wrap a job, or a function without parameters that returns one.

    Raises:
        InvariantViolationError: for lambdas and functions with parameters.
    """
    is_job = isinstance(target, (JobDefinition, UnresolvedAssetJobDefinition))
    if not is_job and not callable(target):
        raise InvariantViolationError(f"expected a job or a function that returns one, got {target!r}")
    if getattr(target, "__name__", "") == "<lambda>":
        raise InvariantViolationError(
            "expected a named function at module level, got a lambda; define it with def"
        )
    if "<locals>" in getattr(target, "__qualname__", ""):
        raise InvariantViolationError(
            f"expected a function at module level, got {target.__qualname__!r}; move it out of the function around it"
        )
    return ReconstructableJob(target)


def build_reconstructable_job(
    reconstructor_module_name: str,
    reconstructor_function_name: str,
    reconstructable_args: tuple[Any, ...] | None = None,
    reconstructable_kwargs: Mapping[str, Any] | None = None,
    reconstructor_working_directory: str | None = None,
) -> ReconstructableJob:
    """A job given by a function of a module, called with arguments."""
    args, kwargs = tuple(reconstructable_args or ()), dict(reconstructable_kwargs or {})

    def make() -> Any:
        folder = reconstructor_working_directory or os.getcwd()
        if folder not in sys.path:
            sys.path.insert(0, folder)
        module = importlib.import_module(reconstructor_module_name)
        return getattr(module, reconstructor_function_name)(*args, **kwargs)

    return ReconstructableJob(make)


def job_of(target: Any) -> JobDefinition:
    """The job that anything given as one means.

    Raises:
        InvariantViolationError: when it is none.
    """
    if isinstance(target, ReconstructableJob):
        return target.get_definition()
    if isinstance(target, JobDefinition):
        return target
    if isinstance(target, GraphDefinition):
        return target.coerce_to_job()  # type: ignore[no-any-return]
    if callable(target) and not isinstance(target, UnresolvedAssetJobDefinition):
        return job_of(target())
    raise InvariantViolationError(f"expected a job, got {target!r}; assets are made with materialize")


def execute_job(
    job: Any,
    instance: Instance,
    run_config: Any = None,
    tags: Mapping[str, Any] | None = None,
    raise_on_error: bool = False,
    op_selection: Sequence[str] | None = None,
    reexecution_options: ReexecutionOptions | None = None,
    asset_selection: Sequence[AssetKey] | None = None,
) -> JobExecutionResult:
    """Run a job with its own executor and IO managers; the run and its events are kept by the instance.

    Raises:
        Exception: the user's own, when a step fails and ``raise_on_error`` is set.
    """
    definition = job_of(job)
    is_found_again = isinstance(job, ReconstructableJob)
    if not isinstance(instance, Instance):
        raise ParameterCheckError(f"expected instance as an Instance, got {instance!r}")
    parent = _parent(instance, reexecution_options)
    if reexecution_options is not None and op_selection is not None:
        raise InvariantViolationError(
            "expected reexecution_options or op_selection, got both; a repeated run has the selection of the first one"
        )
    if run_config is None:
        run_config = parent.run_config if parent is not None else definition.run_config
    definition, op_selection = _selected(definition, op_selection, asset_selection, parent)
    plain = plain_run_config(run_config)
    resolved = definition.resolve_run_config(plain)
    step_keys = None
    if parent is not None and reexecution_options is not None and reexecution_options.step_selection:
        step_keys = _steps_again(instance, definition, resolved, parent, reexecution_options.step_selection)
    run = InProcessRun(
        definition,
        plain,
        _tags(definition, tags, parent, reexecution_options),
        instance=instance,
        parent_run_id=parent.run_id if parent is not None else None,
        root_run_id=(parent.root_run_id or parent.run_id) if parent is not None else None,
        steps=op_selection,
        step_keys=step_keys,
    )
    strategy = definition.executor_def.strategy(resolved.execution)
    if instance.is_ephemeral:
        strategy = IN_PROCESS  # an instance in memory cannot be reached from other processes
    repository = Definitions(jobs=[definition]).get_repository_def() if is_found_again else None
    result = run.execute(resolved, raise_on_error=raise_on_error, strategy=strategy, repository=repository)
    return JobExecutionResult(
        job_def=definition,
        events=run.sink.events,
        run=view_run(run.final_record(result)),
        success=result.success,
        captured=StoredOutputs(result.env, result.outputs, run.sink.events) if result.env is not None else {},
    )


def _parent(instance: Instance, options: ReexecutionOptions | None) -> RunRecord | None:
    if options is None:
        return None
    record = instance.ledger.get_run(options.parent_run_id)
    if record is None:
        raise RunNotFoundError(f"expected a run of id {options.parent_run_id!r} to repeat, got none")
    return record


def _selected(
    job: JobDefinition,
    ops: Sequence[str] | None,
    assets: Sequence[AssetKey] | None,
    parent: RunRecord | None,
) -> tuple[JobDefinition, Sequence[str] | None]:
    """The job cut to what is selected, and the ops; of a repetition, to what the repeated run was cut to."""
    if parent is not None:
        ops = parent.steps
        assets = [AssetKey.from_escaped_user_string(text) for text in parent.assets or ()]
    if not ops and not assets:
        return job, None
    cut = job.get_subset(
        op_selection=list(ops) if ops else None, asset_selection=frozenset(assets) if assets else None
    )
    return cut, ops or None


def _steps_again(
    instance: Instance,
    job: JobDefinition,
    resolved: ResolvedRunConfig,
    parent: RunRecord,
    selection: Sequence[str],
) -> list[str]:
    """Keys of the steps that a step selection means.

    Raises:
        StepNotFoundError: when it names steps that the repeated run did not have.
    """
    plan = build_run_plan(job, resolved)
    earlier = NOTHING_EARLIER if job.is_asset_job else load_earlier_steps(instance.ledger, parent.run_id)
    unknown = unknown_steps(plan, selection, keys_of_templates(plan, earlier))
    if unknown:
        raise StepNotFoundError(
            f"expected steps of the run {parent.run_id!r} in step_selection, got unknown step"
            f"{'s' if len(unknown) > 1 else ''}: {', '.join(unknown)}"
        )
    return [step.key for step in plan_left(plan, earlier, selection).steps]


def _tags(
    job: JobDefinition,
    tags: Mapping[str, Any] | None,
    parent: RunRecord | None,
    options: ReexecutionOptions | None,
) -> dict[str, str]:
    found = {**job.run_tags, **(parent.tags if parent is not None else {}), **normalize_tags(tags)}
    if parent is not None:
        found[PARENT_RUN_ID] = parent.run_id
        found[ROOT_RUN_ID] = parent.root_run_id or parent.run_id
    if options is not None and options.is_from_failure:
        found[IS_RESUME_RETRY] = "true"
    return found


__all__ = [
    "ReconstructableJob",
    "ReexecutionOptions",
    "build_reconstructable_job",
    "execute_job",
    "reconstructable",
]
