"""From a home's settings to a server's options."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tidewheel.logic.planning.admission import TagLimit
from tidewheel.logic.planning.recovery import RecoveryPolicy
from tidewheel.logic.planning.watchdog import AlertPolicy
from tidewheel.runtime.location_args import CodeTarget
from tidewheel.runtime.settings import Settings
from tidewheel.services.access.identity import IdentityOptions
from tidewheel.services.code.locations import LocationOptions
from tidewheel.services.runs.admission import QueueLimits
from tidewheel.services.server import ServerOptions
from tidewheel.services.watching.watchdog import WatchdogOptions
from tidewheel.values.access import Role


def own_version() -> str:
    """The version of the installed package."""
    try:
        return version("tidewheel")
    except PackageNotFoundError:
        return "unknown"


def server_options(
    settings: Settings,
    *,
    home: Path,
    socket: Path,
    targets: dict[str, CodeTarget],
    port: int | None,
    is_public: bool = False,
    read_only: bool = False,
    log: tuple[str, str] = ("warning", "text"),
) -> ServerOptions:
    """The options of a server on ``home`` that serves ``targets``. ``log``: (level, format) of its processes' log."""
    return ServerOptions(
        home=home,
        socket=socket,
        storage_dir=home / "storage",
        targets=targets,
        limits=QueueLimits(
            max_concurrent_runs=settings.max_concurrent_runs,
            tag_limits=tuple(
                TagLimit(key=limit.key, limit=limit.limit, value=limit.value, per_value=limit.per_value)
                for limit in settings.tag_limits
            ),
            shares=settings.queue_shares,
            default_pool_slots=settings.default_pool_slots,
            pool_granularity=settings.pool_granularity,
        ),
        recovery=RecoveryPolicy(
            start_timeout_s=settings.start_timeout_s,
            max_retries=settings.max_retries if settings.run_retries_enabled else 0,
            lost_worker_retries=settings.lost_worker_retries,
            silence_timeout_s=settings.silence_timeout_s,
            cancel_timeout_s=settings.cancel_timeout_s,
            max_runtime_s=settings.max_runtime_s,
            retry_on_step_failure=settings.retry_on_step_failure,
        ),
        location=LocationOptions(
            start_method=settings.start_method,
            spare_stock=settings.spare_stock,
            log_level=log[0],
            log_format=log[1],
        ),
        watchdog=WatchdogOptions(
            addresses=settings.alert_addresses,
            ping_url=settings.alert_ping_url,
            policy=AlertPolicy(
                late_s=settings.alert_late_s,
                failures=settings.alert_failures,
                queue_stuck_s=settings.alert_queue_stuck_s,
                location_down_s=settings.alert_location_down_s,
                repeat_s=settings.alert_repeat_s,
            ),
        ),
        evaluation_timeout_s=settings.evaluation_timeout_s,
        chatter_days=settings.chatter_retention_days,
        tick_days=settings.tick_retention_days,
        inbox_days=settings.inbox_retention_days,
        version=own_version(),
        port=port,
        identity=IdentityOptions(
            is_public=is_public,
            session_s=settings.session_hours * 3600.0,
            oidc_role=Role(settings.oidc_role) if settings.oidc_role is not None else None,
        ),
        read_only=settings.read_only or read_only,
    )
