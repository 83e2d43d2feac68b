"""The context that a resource's function gets."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from tidewheel.errors import UnknownResourceError, did_you_mean
from tidewheel.values.shown_members import shows


class ScopedResources:
    """Resources by attribute; asking for one that is not there names those that are."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__["_values"] = dict(values)

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        raise UnknownResourceError(
            f"expected the resource {name!r} to be available here, got none of this key; "
            f"add it to required_resource_keys or as a parameter ({did_you_mean(name, values)})"
        )

    def __iter__(self) -> Any:
        return iter(self._values.values())

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def _asdict(self) -> dict[str, Any]:
        return dict(self._values)

    @property
    def original_resource_dict(self) -> dict[str, Any]:
        """All resources by key."""
        return dict(self._values)

    def __repr__(self) -> str:
        return f"Resources({', '.join(sorted(self._values))})"


@shows("all_resource_defs", "resource_config", "resources")
class InitResourceContext:
    """What a resource may use while it is set up and torn down."""

    def __init__(
        self,
        resource_config: Any = None,
        resources: Any = None,
        resource_def: Any = None,
        all_resource_defs: Mapping[str, Any] | None = None,
        instance: Any = None,
        dagster_run: Any = None,
        log_manager: Any = None,
        event_loop: Any = None,
    ) -> None:
        self.resource_config = resource_config
        self.resources = resources if resources is not None else ScopedResources({})
        self.resource_def = resource_def
        self.all_resource_defs = dict(all_resource_defs or {})
        self._instance = instance
        self._run = dagster_run
        self._log_manager = log_manager
        self._event_loop = event_loop
        self.storage_dir: Callable[[], str] | None = None
        """Gives the folder for values of the run, where a run says so."""

    @property
    def instance(self) -> Any:
        """The instance, if there is one."""
        return self._instance() if inspect.isroutine(self._instance) else self._instance

    @property
    def run(self) -> Any:
        """The run, if there is one."""
        return self._run() if inspect.isroutine(self._run) else self._run

    @property
    def dagster_run(self) -> Any:
        """The run, if there is one."""
        return self.run

    @property
    def run_id(self) -> str | None:
        """The run's id, if there is a run."""
        run = self.run
        return run.run_id if run is not None else None

    @property
    def log(self) -> Any:
        """A logger."""
        return self._log_manager if self._log_manager is not None else logging.getLogger("tidewheel")

    @property
    def log_manager(self) -> Any:
        """A logger."""
        return self.log

    @property
    def event_loop(self) -> Any:
        """The event loop, if there is one."""
        return self._event_loop() if callable(self._event_loop) else self._event_loop

    def replace_config(self, config: Any) -> InitResourceContext:
        """A copy with other config."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.resource_config = config
        return copy
