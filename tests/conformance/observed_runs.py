"""What happens when a program's jobs run in this process: results, events by step, materialisations, checks."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from typing import Any

from .observed_definitions import FIXED_TIME, is_implicit
from .observed_ticks import Subject
from .plain import attempt, error_name, filled, metadata, own_text, plain, plain_name, tags

STEP_EVENTS_LEFT_OUT = ("ENGINE_EVENT", "LOGS_CAPTURED", "RESOURCE_INIT_STARTED", "RESOURCE_INIT_SUCCESS", "STEP_WORKER_STARTING",
                        "STEP_WORKER_STARTED", "ASSET_MATERIALIZATION_PLANNED", "ASSET_CHECK_EVALUATION_PLANNED")  # fmt: skip
MADE_UP_KEY = "made_up"


class RunBook:
    """Runs jobs on one instance and keeps their results for the sensors that watch runs."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.defs, self.repo, self.instance = subject.defs, subject.repo, subject.instance
        self.options = subject.options
        self.results: list[Any] = []

    def describe(self) -> dict[str, Any]:
        """A document of every run, by job."""
        shown: dict[str, Any] = {}
        skipped = self.options.get("skip_runs", [])
        if skipped is True:
            return shown
        for job in sorted(self.repo.get_all_jobs(), key=lambda one: one.name):
            if not is_implicit(job.name) and job.name not in skipped:
                shown[job.name] = self._run_job(job)
        if "implicit" not in skipped:
            shown |= attempt(self._implicit_runs)
        return shown

    def _run_job(self, job: Any) -> Any:
        try:
            arguments = dict(self.options.get("runs", {}).get(job.name, {}))
            if job.partitions_def is not None and "partition_key" not in arguments:
                arguments["partition_key"] = self._some_key(job.partitions_def)
            return self._execute(job, **arguments)
        except Exception as error:
            return {"raises": error_name(error)}

    def _implicit_runs(self) -> dict[str, Any]:
        groups = self._groups_by_partitions()
        shown = {}
        for label, (definition, keys) in groups.items():
            arguments: dict[str, Any] = {"asset_selection": keys}
            try:
                if definition is not None:
                    arguments["partition_key"] = self._some_key(definition)
                job = self.defs.resolve_implicit_global_asset_job_def()
                shown[f"assets {label}"] = self._execute(job, **arguments)
            except Exception as error:
                shown[f"assets {label}"] = {"raises": error_name(error)}
        return shown

    def _groups_by_partitions(self) -> dict[str, tuple[Any, list[Any]]]:
        groups: dict[str, tuple[Any, list[Any]]] = {}
        holders = self.repo.assets_defs_by_key
        for spec in sorted(self.defs.resolve_all_asset_specs(), key=lambda one: one.key.to_user_string()):
            holder = holders.get(spec.key)
            if holder is None or not holder.is_materializable:
                continue
            found = next((name for name, (known, _) in groups.items() if known == spec.partitions_def), None)
            if found is None:
                found = "unpartitioned" if spec.partitions_def is None else f"partitioned {len(groups)}"
                groups[found] = (spec.partitions_def, [])
            groups[found][1].append(spec.key)
        return groups

    def _some_key(self, definition: Any) -> str:
        if type(definition).__name__ == "DynamicPartitionsDefinition":
            self.instance.add_dynamic_partitions(definition.name, [MADE_UP_KEY])
            return MADE_UP_KEY
        keys = definition.get_partition_keys(current_time=FIXED_TIME, dynamic_partitions_store=self.instance)
        return (keys or definition.get_partition_keys(dynamic_partitions_store=self.instance))[0]

    def _execute(self, job: Any, **arguments: Any) -> dict[str, Any]:
        resources = (
            {} if "io_manager" in (self.defs.resources or {}) else {"io_manager": self._file_io_manager()}
        )
        if not job.name.startswith("__") and not self._makes_assets(job):
            resources = {}
        result = job.execute_in_process(
            instance=self.instance, raise_on_error=False, resources=resources or None, **arguments
        )
        self.results.append(result)
        return describe_result(result, job)

    @staticmethod
    def _makes_assets(job: Any) -> bool:
        with suppress(Exception):
            return bool(job.asset_layer.selected_asset_keys)
        return False

    def _file_io_manager(self) -> Any:
        if not hasattr(self, "_folder"):
            self._folder = tempfile.mkdtemp()
        return self.subject.dg.FilesystemIOManager(base_dir=self._folder)


def describe_result(result: Any, job: Any = None) -> dict[str, Any]:
    """One run: whether it succeeded, its events by step, what it made, what failed and why."""
    shown = {
        "success": result.success,
        "steps": attempt(_events_by_step, result),
        "materialized": attempt(_materializations, result),
        "observed": attempt(_observations, result),
        "checks": attempt(_check_results, result),
        "failures": attempt(_failures, result),
        "tags": attempt(lambda: _run_tags(result)),
    }
    if job is not None and not is_implicit(job.name):
        shown["outputs"] = attempt(_outputs, result, job)
    return filled(shown)


def _run_tags(result: Any) -> dict[str, Any]:
    """A run's tags but for the partition set, a left-over whose presence depends on how the job was made."""
    return {
        name: value
        for name, value in tags(result.dagster_run.tags).items()
        if name != "dagster/partition_set"
    }


def _events_by_step(result: Any) -> dict[str, str]:
    steps: dict[str, list[str]] = {}
    for event in result.all_events:
        kind = event.event_type_value
        if event.step_key is None or kind in STEP_EVENTS_LEFT_OUT:
            continue
        if kind == "STEP_OUTPUT":
            kind += " " + event.step_output_data.output_name
        steps.setdefault(event.step_key, []).append(kind)
    shown: dict[str, list[str]] = {}
    for step, kinds in steps.items():
        shown.setdefault(plain_name(step), []).append(" > ".join(_hooks_last(kinds)))
    return {name: " > ".join(sorted(stories)) for name, stories in shown.items()}


def _hooks_last(kinds: list[str]) -> list[str]:
    """Hooks are a set: the order of their events means nothing, so it is fixed."""
    hooks = sorted(kind for kind in kinds if kind.startswith("HOOK_"))
    return [kind for kind in kinds if not kind.startswith("HOOK_")] + hooks


def _materializations(result: Any) -> list[Any]:
    shown = []
    for event in result.get_asset_materialization_events():
        made = event.step_materialization_data.materialization
        shown.append(
            filled(
                {
                    "key": made.asset_key.to_user_string(),
                    "partition": None if made.partition is None else str(made.partition),
                    "description": own_text(made.description),
                    "metadata": metadata(made.metadata),
                    "tags": tags(made.tags),
                }
            )
        )
    return sorted(shown, key=lambda one: (one["key"], str(one.get("partition"))))


def _observations(result: Any) -> list[Any]:
    shown = []
    for event in result.get_asset_observation_events():
        seen = event.asset_observation_data.asset_observation
        shown.append(
            filled(
                {
                    "key": seen.asset_key.to_user_string(),
                    "partition": None if seen.partition is None else str(seen.partition),
                    "metadata": metadata(seen.metadata),
                    "tags": tags(seen.tags),
                }
            )
        )
    return sorted(shown, key=lambda one: (one["key"], str(one.get("partition"))))


def _check_results(result: Any) -> dict[str, Any]:
    return {
        f"{one.asset_key.to_user_string()}:{one.check_name}": filled(
            {
                "passed": one.passed,
                "severity": plain(one.severity),
                "blocking": one.blocking or None,
                "description": own_text(one.description),
                "metadata": metadata(one.metadata),
            }
        )
        for one in result.get_asset_check_evaluations()
    }


def _failures(result: Any) -> dict[str, Any]:
    shown = {}
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        error = data.error
        while error is not None and error.cause is not None:
            error = error.cause
        shown[plain_name(event.step_key)] = filled(
            {
                "error": None if error is None else error_name(error.cls_name),
                "metadata": None
                if data.user_failure_data is None
                else metadata(data.user_failure_data.metadata),
            }
        )
    return shown


def _outputs(result: Any, job: Any) -> dict[str, Any]:
    shown = {}
    for node in job.nodes:
        names = sorted(definition.name for definition in node.definition.output_defs)
        for name in names:
            label = plain_name(node.name) + ("" if names == ["result"] else f".{name}")
            try:
                value = plain(result.output_for_node(node.name, name))
                if value not in (None, "NoValueSentinel"):
                    shown[label] = value
            except Exception:
                continue  # no output: the step was skipped, failed, or had none of this name
    return shown
