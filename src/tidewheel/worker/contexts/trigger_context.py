"""What the contexts of schedules and sensors have in common: the instance, resources and a captured log."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from tidewheel.definitions.resources.definition import coerce_resources
from tidewheel.definitions.resources.resource_context import InitResourceContext, ScopedResources
from tidewheel.errors import InvariantViolationError
from tidewheel.values.texts import storable_text
from tidewheel.worker.environment.resource_scope import ResourceFactory

MAX_LOG_LINES = 1_000


class TriggerLog(logging.Logger):
    """A logger whose lines are kept for the tick."""

    def __init__(self, name: str = "tidewheel") -> None:
        super().__init__(name, logging.DEBUG)
        self.lines: list[str] = []
        self._formatter = logging.Formatter("%(levelname)s %(message)s")

    def handle(self, record: logging.LogRecord) -> None:
        """Keep one record's text."""
        if len(self.lines) < MAX_LOG_LINES:
            self.lines.append(storable_text(self._formatter.format(record)))


class TriggerResources(ScopedResources):
    """Resources by attribute, set up when first asked for; ``typed`` is what parameters get."""

    def __init__(self, factory: ResourceFactory, keys: Sequence[str]) -> None:
        for key in keys:
            factory.open(key)
        super().__init__({key: factory.shown[key] for key in keys})
        self.__dict__["_typed"] = {key: factory.values[key] for key in keys}

    def typed(self, name: str) -> Any:
        """A resource as a parameter gets it."""
        return self.__dict__["_typed"][name]


class TriggerContext:
    """The base of the contexts. ``resource_keys``: which of the resources are set up (all, if None)."""

    def __init__(
        self,
        *,
        instance: Any = None,
        resources: Any = None,
        resource_keys: Sequence[str] | None = None,
        repository_def: Any = None,
        repository_name: str | None = None,
        log: TriggerLog | None = None,
    ) -> None:
        self._instance = instance
        if isinstance(resources, ScopedResources):
            resources = resources._asdict()
        self._resource_defs: Mapping[str, Any] = coerce_resources(resources)
        self._resource_keys = resource_keys
        self._repository_def = repository_def
        self.repository_name = repository_name
        self._log = log
        self._factory: ResourceFactory | None = None
        self._resources: TriggerResources | None = None

    @property
    def instance(self) -> Any:
        """The instance.

        Raises:
            InvariantViolationError: when the context was made without one.
        """
        if self._instance is None:
            raise InvariantViolationError(
                "expected a context with an instance, got one without; pass instance="
            )
        return self._instance

    @property
    def known_instance(self) -> Any:
        """The instance, or None when the context was made without one."""
        return self._instance

    @property
    def known_repository(self) -> Any:
        """The definitions that the trigger belongs to, or None when the context was made without them."""
        return None if self._repository_def is None else self.repository_def

    @property
    def instance_ref(self) -> Any:
        """None: instances are handed over as they are."""
        return None

    @property
    def log(self) -> TriggerLog:
        """A logger whose lines are kept for the tick."""
        if self._log is None:
            self._log = TriggerLog()
        return self._log

    @property
    def log_key(self) -> Sequence[str] | None:
        """None: lines are kept with the tick."""
        return None

    def has_captured_logs(self) -> bool:
        """Whether anything was logged."""
        return self._log is not None and bool(self._log.lines)

    @property
    def resource_defs(self) -> Mapping[str, Any]:
        """Definitions of the resources."""
        return self._resource_defs

    @property
    def resources(self) -> ScopedResources:
        """Resources by attribute; set up when first asked for."""
        if self._resources is None:
            keys = self._resource_keys if self._resource_keys is not None else list(self._resource_defs)
            context = InitResourceContext(instance=self._instance, log_manager=self.log)
            self._factory = ResourceFactory(self._resource_defs, {}, context=context)
            self._resources = TriggerResources(self._factory, sorted(keys))
        return self._resources

    def merge_resources(self, resources_dict: Mapping[str, Any]) -> Any:
        """A copy with more resources.

        Raises:
            InvariantViolationError: when resources of this context are set up already.
        """
        if self._resources is not None:
            raise InvariantViolationError(
                "expected resources to be merged before they are used, got used ones"
            )
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._resource_defs = {**self._resource_defs, **coerce_resources(resources_dict)}
        return copy

    @property
    def repository_def(self) -> Any:
        """The definitions that the trigger belongs to.

        Raises:
            InvariantViolationError: when the context was made without them.
        """
        if self._repository_def is None:
            raise InvariantViolationError(
                "expected a context with repository_def, got one without; pass repository_def="
            )
        found = self._repository_def
        return found.get_repository_def() if hasattr(found, "get_repository_def") else found

    def close(self) -> None:
        """Tear resources down."""
        if self._factory is not None:
            self._factory.close()
            self._factory = None
            self._resources = None

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
