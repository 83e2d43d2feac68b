"""Classes by which Dagster's instance files choose how runs are queued and launched.

They are accepted so that code which names them loads. They do nothing: here the settings in ``tidewheel.toml`` decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidewheel.errors import NotSupportedError


class _Deployment:
    """Something that a deployment is configured with; ``setting`` names what is used instead."""

    setting = ""

    def __init__(self, inst_data: Any = None, **config: Any) -> None:
        self.inst_data = inst_data
        self.config: dict[str, Any] = {name: value for name, value in config.items() if value is not None}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "config":
            raise AttributeError(name)
        raise NotSupportedError(
            f"expected {type(self).__name__} to be constructed at most, got {name!r} asked of it: {self.setting}"
        )

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.config.items())
        return f"{type(self).__name__}({given})"


class QueuedRunCoordinator(_Deployment):
    """Queues runs under limits. Here every run is queued; write into ``tidewheel.toml``::

    max_concurrent_runs = 10
    tag_limits = [{key = "team", limit = 2}]
    """

    setting = "runs are always queued; see the settings max_concurrent_runs and tag_limits of tidewheel.toml"

    def __init__(
        self,
        max_concurrent_runs: int | None = None,
        tag_concurrency_limits: Sequence[Mapping[str, Any]] | None = None,
        dequeue_interval_seconds: int | None = None,
        dequeue_use_threads: bool | None = None,
        dequeue_num_workers: int | None = None,
        max_user_code_failure_retries: int | None = None,
        user_code_failure_retry_delay: int | None = None,
        block_op_concurrency_limited_runs: Mapping[str, Any] | None = None,
        inst_data: Any = None,
    ) -> None:
        super().__init__(
            inst_data,
            max_concurrent_runs=max_concurrent_runs,
            tag_concurrency_limits=tag_concurrency_limits,
            dequeue_interval_seconds=dequeue_interval_seconds,
            dequeue_use_threads=dequeue_use_threads,
            dequeue_num_workers=dequeue_num_workers,
            max_user_code_failure_retries=max_user_code_failure_retries,
            user_code_failure_retry_delay=user_code_failure_retry_delay,
            block_op_concurrency_limited_runs=block_op_concurrency_limited_runs,
        )


class DefaultRunCoordinator(_Deployment):
    """Launches runs at once, without a queue. Here the setting ``max_concurrent_runs`` of ``tidewheel.toml`` counts."""

    setting = "runs are always queued; set max_concurrent_runs in tidewheel.toml high to hold none back"


class DefaultRunLauncher(_Deployment):
    """Launches each run in a process of its code location. Here this is what happens without any setting."""

    setting = "the server launches runs in processes of their code location; no setting is needed"


class SubmitRunContext(NamedTuple):
    """What a run coordinator of one's own would be given; none can be plugged in here."""

    dagster_run: Any
    workspace: Any
