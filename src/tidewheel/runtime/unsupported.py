"""Methods of the instance that exist in Dagster and not here, and what to use instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from tidewheel.errors import NotSupportedError

_BACKFILLS = "a backfill is changed by the server alone; cancel or resume it with 'tidewheel backfill'"
_POOLS = "the server keeps pools; see and set their limits with 'tidewheel pool'"
_STORAGE = "storage cannot be replaced by parts; choose a database with the setting 'storage_url'"
_SERVER = "the server keeps this itself; see 'tidewheel doctor' for how it is"
_LAUNCH = "runs are launched by the server; use 'tidewheel launch', the API, or job.execute_in_process()"
_SNAPSHOTS = "definitions are kept as one snapshot per code location, not per run"
_EVENTS = "events come from runs; report asset events with report_runless_asset_event()"
_LISTEN = "nobody is called back in this process; read a run's log with get_records_for_run(cursor=...)"
_FRESHNESS = "freshness and health states are not there yet; look at get_asset_records()"

UNSUPPORTED: dict[str, str] = {
    **dict.fromkeys(
        (
            "update_backfill",
            "get_backfill_settings",
        ),
        _BACKFILLS,
    ),
    **dict.fromkeys(
        (
            "set_concurrency_slots",
            "get_concurrency_info",
            "get_concurrency_keys",
            "get_pool_limits",
            "get_pool_config",
            "claim_concurrency_slot",
            "free_concurrency_slots_for_run",
            "delete_concurrency_limit",
            "initialize_concurrency_limit_to_default",
        ),
        _POOLS,
    ),
    **dict.fromkeys(
        ("from_config", "from_ref", "get_ref", "upgrade", "reindex", "wipe", "schedule_storage"), _STORAGE
    ),
    **dict.fromkeys(
        (
            "get_daemon_heartbeats",
            "get_daemon_statuses",
            "add_daemon_heartbeat",
            "wipe_daemon_heartbeats",
            "get_required_daemon_types",
            "create_tick",
            "update_tick",
            "purge_ticks",
            "add_instigator_state",
            "update_instigator_state",
            "delete_instigator_state",
        ),
        _SERVER,
    ),
    **dict.fromkeys(
        (
            "launch_run",
            "submit_run",
            "resume_run",
            "create_run",
            "create_reexecuted_run",
            "register_managed_run",
        ),
        _LAUNCH,
    ),
    **dict.fromkeys(
        (
            "add_snapshot",
            "has_snapshot",
            "get_job_snapshot",
            "has_job_snapshot",
            "get_execution_plan_snapshot",
            "get_historical_job",
            "has_historical_job",
        ),
        _SNAPSHOTS,
    ),
    **dict.fromkeys(("report_dagster_event", "handle_new_event", "store_event", "handle_run_event"), _EVENTS),
    **dict.fromkeys(("watch_event_logs", "end_watch_event_logs", "add_event_listener"), _LISTEN),
    **dict.fromkeys(
        (
            "get_freshness_state_records",
            "get_asset_check_health_state_for_assets",
            "get_asset_freshness_health_state_for_assets",
            "get_asset_materialization_health_state_for_assets",
        ),
        _FRESHNESS,
    ),
}


def refusal(name: str) -> Callable[..., NoReturn] | None:
    """A function that refuses with the reason, for a name that is known and not supported; None for other names."""
    advice = UNSUPPORTED.get(name)
    if advice is None:
        return None

    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        raise NotSupportedError(f"instance.{name} is not supported: {advice}")

    return refuse
