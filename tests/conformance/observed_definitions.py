"""What a program defines: its assets, checks, jobs, schedules and sensors, as a plain document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .plain import attempt, brandless, filled, metadata, own_text, plain, plain_name, tags

FIXED_TIME = datetime(2024, 3, 15, 12, 0, tzinfo=UTC)
SHOWN_KEYS = 2


def describe_definitions(defs: Any, repo: Any) -> dict[str, Any]:
    """The whole document of definitions."""
    return {
        "assets": attempt(_assets, defs, repo),
        "checks": attempt(_checks, repo),
        "jobs": attempt(_jobs, repo),
        "schedules": attempt(_schedules, repo),
        "sensors": attempt(_sensors, repo),
    }


def partitions(definition: Any) -> Any:
    """A partitions definition: its kind, how many keys it has at a fixed time, and the outermost of them."""
    if definition is None:
        return None
    kind = type(definition).__name__.removesuffix("PartitionsDefinition")
    if kind == "Dynamic":
        return {"kind": kind, "name": definition.name}
    shown: dict[str, Any] = {"kind": kind}
    if kind == "Multi":
        shown["dimensions"] = {dim.name: partitions(dim.partitions_def) for dim in definition.partitions_defs}
    shown |= attempt(_outermost_keys, definition)
    return shown


def _outermost_keys(definition: Any) -> dict[str, Any]:
    keys = [str(key) for key in definition.get_partition_keys(current_time=FIXED_TIME)]
    if len(keys) <= 2 * SHOWN_KEYS:
        return {"count": len(keys), "keys": keys}
    return {"count": len(keys), "first": keys[:SHOWN_KEYS], "last": keys[-SHOWN_KEYS:]}


def _assets(defs: Any, repo: Any) -> dict[str, Any]:
    holders = repo.assets_defs_by_key
    shown = {}
    for spec in defs.resolve_all_asset_specs():
        shown[spec.key.to_user_string()] = attempt(_asset, repo, spec, holders.get(spec.key))
    return shown


def _asset(repo: Any, spec: Any, holder: Any) -> dict[str, Any]:
    return filled(
        {
            "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
            "mappings": {
                dep.asset_key.to_user_string(): type(dep.partition_mapping).__name__
                for dep in spec.deps
                if dep.partition_mapping is not None
            },
            "group": spec.group_name,
            "kinds": sorted(spec.kinds),
            "tags": tags(spec.tags),
            "description": own_text(spec.description),
            "metadata": metadata(spec.metadata),
            "partitions": attempt(partitions, spec.partitions_def),
            "code_version": spec.code_version,
            "owners": list(spec.owners),
            "skippable": spec.skippable or None,
            "automation": attempt(condition, spec.automation_condition),
            "freshness": None if spec.freshness_policy is None else type(spec.freshness_policy).__name__,
            "role": attempt(_role, repo, spec.key, holder),
            "resources": attempt(
                lambda: sorted(holder.required_resource_keys - {"io_manager"}) if holder else None
            ),
            "backfill": attempt(lambda: _backfill(holder.backfill_policy) if holder else None),
        }
    )


def condition(value: Any) -> Any:
    """An automation condition: its label where it has one."""
    if value is None:
        return None
    return {"label": value.get_label()}


def _role(repo: Any, key: Any, holder: Any) -> str:
    try:
        node = repo.asset_graph.get(key)
    except Exception:
        node = holder
    if node is None:
        return "absent"
    if node.is_materializable:
        return "materializable"
    return "observable" if node.is_observable else "external"


def _backfill(policy: Any) -> Any:
    return None if policy is None else {"max_partitions_per_run": policy.max_partitions_per_run}


def _checks(repo: Any) -> dict[str, Any]:
    holders = {id(one): one for one in repo.asset_checks_defs_by_key.values()}
    holders |= {id(one): one for one in repo.assets_defs_by_key.values()}
    shown = {}
    for holder in holders.values():
        for spec in holder.check_specs:
            shown[f"{spec.asset_key.to_user_string()}:{spec.name}"] = attempt(_check, spec)
    return shown


def _check(spec: Any) -> dict[str, Any]:
    return filled(
        {
            "blocking": spec.blocking or None,
            "description": own_text(spec.description),
            "metadata": metadata(spec.metadata),
            "additional_deps": sorted(dep.asset_key.to_user_string() for dep in spec.additional_deps),
            "automation": attempt(condition, spec.automation_condition),
            "partitions": attempt(partitions, spec.partitions_def),
        }
    )


def is_implicit(name: str) -> bool:
    """Whether a job is the one that a system makes over all assets."""
    return name.startswith("__ASSET_JOB")


def _jobs(repo: Any) -> dict[str, Any]:
    return {job.name: attempt(_job, job) for job in repo.get_all_jobs() if not is_implicit(job.name)}


def _job(job: Any) -> dict[str, Any]:
    return filled(
        {
            "nodes": sorted(plain_name(node.name) for node in job.nodes),
            "assets": attempt(job_assets, job),
            "tags": tags(job.tags),
            "run_tags": tags(job.run_tags),
            "description": own_text(job.description),
            "metadata": metadata(job.metadata),
            "partitions": attempt(partitions, job.partitions_def),
            "hooks": attempt(lambda: sorted(hook.name for hook in job.hook_defs)),
            "executor": attempt(lambda: job.executor_def.name),
            "resources": attempt(lambda: sorted(set(job.required_resource_keys) - {"io_manager"})),
            "retry": attempt(lambda: _retry(job.op_retry_policy)),
        }
    )


def job_assets(job: Any) -> list[str]:
    """The keys of the assets that a job makes, sorted."""
    return sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)


def _retry(policy: Any) -> Any:
    if policy is None:
        return None
    return {
        "max": policy.max_retries,
        "delay": plain(policy.delay),
        "backoff": plain(policy.backoff),
        "jitter": plain(policy.jitter),
    }


def _schedules(repo: Any) -> dict[str, Any]:
    return {schedule.name: attempt(_schedule, schedule) for schedule in repo.schedule_defs}


def _schedule(schedule: Any) -> dict[str, Any]:
    return filled(
        {
            "cron": plain(schedule.cron_schedule),
            "timezone": schedule.execution_timezone,
            "default_status": plain(schedule.default_status),
            "job": schedule.job_name,
            "description": attempt(lambda: own_text(schedule.description)),
            "tags": tags(schedule.tags),
            "metadata": metadata(schedule.metadata),
            "resources": attempt(lambda: sorted(schedule.required_resource_keys)),
        }
    )


def _sensors(repo: Any) -> dict[str, Any]:
    return {sensor.name: attempt(_sensor, repo, sensor) for sensor in repo.sensor_defs}


def _sensor(repo: Any, sensor: Any) -> dict[str, Any]:
    return filled(
        {
            "type": plain(sensor.sensor_type),
            "interval": sensor.minimum_interval_seconds,
            "default_status": plain(sensor.default_status),
            "jobs": attempt(_sensor_jobs, sensor),
            "selection": attempt(_selected, repo, sensor.asset_selection),
            "description": own_text(sensor.description),
            "tags": tags(sensor.tags),
            "metadata": metadata(sensor.metadata),
            "resources": attempt(lambda: sorted(sensor.required_resource_keys)),
            "class": brandless(type(sensor).__name__),
        }
    )


def _selected(repo: Any, selection: Any) -> Any:
    """The keys of the assets and checks that a selection means."""
    if selection is None:
        return None
    graph = repo.asset_graph
    checks = attempt(lambda: sorted(key.to_user_string() for key in selection.resolve_checks(graph)))
    return {"assets": sorted(key.to_user_string() for key in selection.resolve(graph)), "checks": checks}


def _sensor_jobs(sensor: Any) -> list[str]:
    return sorted(target.job_name for target in sensor.targets if target.job_name)
