"""The table of everything that can be asked of a server, and the role that each needs.

The names of the first block are those that Dagster's clients know as permissions. Every surface (GraphQL, REST,
webhooks, the CLI) maps what it offers to a name of this table; what is missing here cannot be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from tidewheel.values.access import Role

VIEW = "view"
LAUNCH = "launch_pipeline_execution"
RELAUNCH = "launch_pipeline_reexecution"
START_SCHEDULE = "start_schedule"
STOP_SCHEDULE = "stop_running_schedule"
TRY_SCHEDULE = "schedule_dry_run"
EDIT_SENSOR = "edit_sensor"
TRY_SENSOR = "sensor_dry_run"
SET_CURSOR = "update_sensor_cursor"
TERMINATE = "terminate_pipeline_execution"
SET_PRIORITY = "set_run_priority"
DELETE_RUN = "delete_pipeline_run"
RELOAD_LOCATION = "reload_repository_location"
RELOAD_WORKSPACE = "reload_workspace"
WIPE = "wipe_assets"
REPORT_EVENTS = "report_runless_asset_events"
BACKFILL = "launch_partition_backfill"
CANCEL_BACKFILL = "cancel_partition_backfill"
EDIT_PARTITIONS = "edit_dynamic_partitions"
TOGGLE_AUTOMATION = "toggle_auto_materialize"
EDIT_LIMITS = "edit_concurrency_limit"
PAUSE = "pause_automation"
WAIVE_OWED = "waive_owed_work"
SEE_DELIVERIES = "see_webhook_deliveries"
REPLAY_DELIVERY = "replay_webhook_delivery"
OWN_TOKENS = "manage_own_tokens"
MANAGE_USERS = "manage_users"
MANAGE_TOKENS = "manage_tokens"
READ_AUDIT = "read_audit"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be asked for. ``changes``: refused in read-only mode. ``is_global``: of the whole server, so
    that a grant for some locations or groups does not allow it."""

    name: str
    needs: Role
    changes: bool = True
    is_global: bool = False


def _row(name: str, needs: Role, *, changes: bool = True, is_global: bool = False) -> Operation:
    return Operation(name=name, needs=needs, changes=changes, is_global=is_global)


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        row.name: row
        for row in (
            _row(VIEW, Role.VIEWER, changes=False),
            _row(LAUNCH, Role.LAUNCHER),
            _row(RELAUNCH, Role.LAUNCHER),
            _row(TERMINATE, Role.LAUNCHER),
            _row(SET_PRIORITY, Role.LAUNCHER),
            _row(TRY_SCHEDULE, Role.LAUNCHER),
            _row(TRY_SENSOR, Role.LAUNCHER),
            _row(REPORT_EVENTS, Role.LAUNCHER),
            _row(BACKFILL, Role.LAUNCHER),
            _row(CANCEL_BACKFILL, Role.LAUNCHER),
            _row(OWN_TOKENS, Role.LAUNCHER),
            _row(START_SCHEDULE, Role.EDITOR),
            _row(STOP_SCHEDULE, Role.EDITOR),
            _row(EDIT_SENSOR, Role.EDITOR),
            _row(SET_CURSOR, Role.EDITOR),
            _row(DELETE_RUN, Role.EDITOR),
            _row(WIPE, Role.EDITOR),
            _row(EDIT_PARTITIONS, Role.EDITOR),
            _row(RELOAD_LOCATION, Role.EDITOR),
            _row(PAUSE, Role.EDITOR),
            _row(WAIVE_OWED, Role.EDITOR),
            _row(SEE_DELIVERIES, Role.EDITOR, changes=False),
            _row(REPLAY_DELIVERY, Role.EDITOR),
            _row(RELOAD_WORKSPACE, Role.EDITOR, is_global=True),
            _row(TOGGLE_AUTOMATION, Role.EDITOR, is_global=True),
            _row(EDIT_LIMITS, Role.EDITOR, is_global=True),
            _row(MANAGE_USERS, Role.ADMIN, is_global=True),
            _row(MANAGE_TOKENS, Role.ADMIN, is_global=True),
            _row(READ_AUDIT, Role.ADMIN, changes=False, is_global=True),
        )
    }
)
"""By name."""

ABOUT_ASSETS = frozenset(
    {
        LAUNCH,
        RELAUNCH,
        TERMINATE,
        SET_PRIORITY,
        DELETE_RUN,
        WIPE,
        REPORT_EVENTS,
        BACKFILL,
        CANCEL_BACKFILL,
        WAIVE_OWED,
        VIEW,
    }
)
"""Operations that are about particular assets, so that a grant for their groups is enough."""

CONTROL_OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "launch": LAUNCH,
        "cancel": TERMINATE,
        "launch_backfill": BACKFILL,
        "cancel_backfill": CANCEL_BACKFILL,
        "resume_backfill": BACKFILL,
        "retry_backfill": BACKFILL,
        "wait_reasons": VIEW,
        "pause": PAUSE,
        "resume": PAUSE,
        "get_pauses": VIEW,
        "reset_run_keys": SET_CURSOR,
        "why": VIEW,
        "get_automation": VIEW,
        "plan_automation": VIEW,
        "get_triggers_view": VIEW,
        "set_trigger": EDIT_SENSOR,
        "set_cursor": SET_CURSOR,
        "test_trigger": TRY_SENSOR,
        "reload": RELOAD_LOCATION,
        "health": VIEW,
        "get_snapshots": VIEW,
    }
)
"""What each method of ``runtime.control.ControlPort`` is, for whoever calls it from outside the machine."""

LEDGER_OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "delete_run": DELETE_RUN,
        "wipe_asset": WIPE,
        "update_trigger": EDIT_SENSOR,
        "request_cancel": TERMINATE,
        "access.add_user": MANAGE_USERS,
        "access.put_user": MANAGE_USERS,
        "access.add_token": MANAGE_TOKENS,
        "access.put_token": MANAGE_TOKENS,
        "change_dynamic_partitions": EDIT_PARTITIONS,
        "set_run_priority": SET_PRIORITY,
        "backfills.create": BACKFILL,
        "backfills.cancel": CANCEL_BACKFILL,
        "pools.set_slots": EDIT_LIMITS,
        "pools.free": EDIT_LIMITS,
        "owed.answer": WAIVE_OWED,
        "conditions.answer_held": TOGGLE_AUTOMATION,
        "inbox.hand_over_again": REPLAY_DELIVERY,
        "inbox.forget_redelivery": REPLAY_DELIVERY,
        "start_in_process_run": LAUNCH,
        "policies.add_pause": PAUSE,
        "policies.end_pause": PAUSE,
        "policies.reset_keys": SET_CURSOR,
    }
)
"""Methods of the ledger that people's commands change something with, and what each is. What workers, evaluations and
the server's own duties write is not among them."""
