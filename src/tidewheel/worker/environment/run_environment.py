"""What all steps of one run share: the job, the run's record, config, instance, clock, and where events go."""

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tidewheel.definitions.assets.asset_layer import AssetLayer
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.jobs.job_config import ResolvedRunConfig
from tidewheel.logic.runs.plan import RunPlan
from tidewheel.runtime.views.run_views import Run, view_run
from tidewheel.values.events import Event, EventType, Payload
from tidewheel.values.records import RunRecord
from tidewheel.values.run_titles import run_title
from tidewheel.values.tags import PARTITION, RANGE_END, RANGE_START
from tidewheel.worker.environment.event_sink import EventSink
from tidewheel.worker.environment.interrupts import InterruptGate

Clock = Callable[[], float]


class RunEnvironment:
    """One run's surroundings. ``instance`` may be an instance, or a function that makes one when it is first needed."""

    def __init__(
        self,
        *,
        job: JobDefinition,
        run: RunRecord,
        resolved: ResolvedRunConfig,
        plan: RunPlan,
        sink: EventSink,
        storage_dir: Path | Callable[[], Path],
        clock: Clock,
        instance: Any = None,
        gate: InterruptGate | None = None,
        logs_dir: Path | None = None,
        captures_values: bool = False,
        random: Callable[[], float] | None = None,
        repository: Any = None,
    ) -> None:
        self.job = job
        self.run = run
        self.run_id = run.run_id
        self.job_name = run.job_name
        title = run_title(run.job_name, run.assets, run.checks)
        self.title = f'"{title}"' if title == run.job_name else title
        """What people are told that is run."""
        self.resolved = resolved
        self.plan = plan
        self.sink = sink
        self.clock = clock
        self.layer: AssetLayer = job.asset_layer
        self.gate = gate or InterruptGate()
        self.logs_dir = logs_dir
        self.repository = repository
        self.random = random
        self.captured: dict[tuple[str, str, str | None], Any] | None = {} if captures_values else None
        self.loggers: list[Any] = []
        self.output_metadata: dict[tuple[str, str, str | None], dict[str, Any]] = {}
        self.parent_runs: dict[str, str] = {}
        """Step key → id of the earlier run that made its outputs, for steps that this run does not repeat."""
        self._storage_dir = storage_dir
        self._instance = instance
        self._run_view: Run | None = None
        self._emit_lock = threading.RLock()
        self._listeners: dict[str, list[Event]] = {}
        self.partition_key: str | None = run.partition or run.tags.get(PARTITION)
        start, end = run.tags.get(RANGE_START), run.tags.get(RANGE_END)
        self.partition_range: tuple[str, str] | None = (
            (start, end) if start is not None and end is not None else None
        )
        if self.partition_range is not None and self.partition_range[0] == self.partition_range[1]:
            self.partition_key = self.partition_key or self.partition_range[0]

    @property
    def instance(self) -> Any:
        """The instance; an ephemeral one is made when nobody gave one and somebody asks."""
        if inspect.isroutine(self._instance):
            self._instance = self._instance()
        return self._instance

    @property
    def known_instance(self) -> Any:
        """The instance if there is one already."""
        return None if inspect.isroutine(self._instance) else self._instance

    @property
    def storage_dir(self) -> str:
        """The folder for values of steps and assets."""
        if callable(self._storage_dir):
            self._storage_dir = self._storage_dir()
        return os.fspath(self._storage_dir)

    @property
    def run_view(self) -> Run:
        """The run as users see it."""
        if self._run_view is None:
            self._run_view = view_run(self.run)
        return self._run_view

    @property
    def tags(self) -> Mapping[str, str]:
        """The run's tags."""
        return self.run.tags

    def emit(
        self,
        kind: EventType,
        message: str,
        *,
        step_key: str | None = None,
        payload: Payload | None = None,
        asset: str | None = None,
        partition: str | None = None,
        check: str | None = None,
    ) -> Event:
        """Hand an event of this run to the sink."""
        event = Event(
            type=kind,
            timestamp=self.clock(),
            run_id=self.run_id,
            job_name=self.job_name,
            step_key=step_key,
            asset=asset,
            partition=partition,
            check=check,
            message=message,
            payload=payload,
        )
        self.forward(event)
        return event

    def listen(self, step_key: str) -> list[Event]:
        """A list that a step's events are added to from now on, until ``stop_listening``."""
        heard: list[Event] = []
        self._listeners[step_key] = heard
        return heard

    def stop_listening(self, step_key: str) -> None:
        """End what ``listen`` began, if it did."""
        self._listeners.pop(step_key, None)

    def forward(self, event: Event) -> None:
        """Hand over an event that was made elsewhere; not interrupted halfway."""
        if self._listeners and event.step_key in self._listeners:
            self._listeners[event.step_key].append(event)
        gate = self.gate
        if gate.depth and threading.current_thread() is threading.main_thread():
            depth, gate.depth = gate.depth, 0
            try:
                with self._emit_lock:
                    self.sink.emit(event)
            finally:
                gate.depth = depth
            gate.raise_pending()
        else:
            with self._emit_lock:
                self.sink.emit(event)

    def enter_child(self, sink: EventSink) -> None:
        """This process is a forked child from now on: events go to its parent, locks of the parent mean nothing."""
        self.sink = sink
        self._emit_lock = threading.RLock()
        instance = self._instance
        home = getattr(instance, "home", None)
        if home is not None and not inspect.isroutine(instance):
            self._instance = lambda: type(instance).from_home(home)  # connections do not survive a fork

    def graph_config_value(self, path: tuple[str, ...], name: str) -> Any:
        """The value that run config gives for an input of a graph."""
        return self.resolved.graph_inputs.get(path, {}).get(name)
