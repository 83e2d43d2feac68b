"""Sets up the resources that some steps need, in the order of their needs, and tears them down in reverse."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any

from tidewheel.definitions.resources.definition import ResourceDefinition
from tidewheel.definitions.resources.pythonic_resources import (
    AttachesDifferentObject,
    ConfigurableResourceDefinition,
    ConfigurableResourceFactory,
    open_function_resource,
)
from tidewheel.definitions.resources.resource_context import InitResourceContext, ScopedResources
from tidewheel.errors import InvalidDefinitionError, ResourceFunctionError, TidewheelError, did_you_mean
from tidewheel.values.error_info import ErrorInfo, error_info, error_text
from tidewheel.values.events import EngineNote, EventType
from tidewheel.values.metadata import normalize_metadata
from tidewheel.worker.environment.log_manager import RunLog
from tidewheel.worker.environment.run_environment import RunEnvironment


class ResourceFactory:
    """Opens resources one by one; shared by runs and by ``build_resources``."""

    def __init__(
        self,
        definitions: Mapping[str, ResourceDefinition],
        config: Mapping[str, Any],
        *,
        context: InitResourceContext,
    ) -> None:
        self._definitions = definitions
        self._config = config
        self._context = context
        self._stack = contextlib.ExitStack()
        self.values: dict[str, Any] = {}
        self.shown: dict[str, Any] = {}
        """What ``context.resources`` shows; differs from ``values`` for resources that attach another object."""
        self._opening: list[str] = []
        self._keys_by_origin = {
            id(origin): key
            for key, definition in definitions.items()
            for origin in (definition, getattr(definition, "origin", definition))
        }

    def open(self, key: str) -> Any:
        """The resource's value; what it needs is opened first.

        Raises:
            InvalidDefinitionError: when there is no such resource, or resources need each other in a circle.
            ResourceFunctionError: when user code raises.
        """
        if key in self.values:
            return self.values[key]
        definition = self._definitions.get(key)
        if definition is None:
            raise InvalidDefinitionError(
                f"expected a resource with key {key!r}, got none; {did_you_mean(key, self._definitions)}"
            )
        if key in self._opening:
            raise InvalidDefinitionError(
                f"expected resources not to need each other in a circle, got {[*self._opening, key]}"
            )
        self._opening.append(key)
        try:
            needed = {inner: self.open(inner) for inner in sorted(definition.required_resource_keys)}
            value = self._enter(key, definition, needed)
        finally:
            self._opening.pop()
        self.values[key] = value
        attached = getattr(value, "get_object_to_set_on_execution_context", None)
        self.shown[key] = attached() if callable(attached) and _is_resource(value) else value
        return value

    def _enter(self, key: str, definition: ResourceDefinition, needed: Mapping[str, Any]) -> Any:
        context = self._context.replace_config(None)
        context.resources = ScopedResources(needed)
        context.resource_def = definition
        context.all_resource_defs = dict(self._definitions)
        try:
            if isinstance(definition, ConfigurableResourceDefinition):
                config = self._config[key] if key in self._config else definition.checked_config(None)
                opened = definition.open(config, context.replace_config(config), self._shared)
            else:
                config = definition.resolve_config(self._config.get(key))
                opened = open_function_resource(definition, config, context)
            return self._stack.enter_context(opened)
        except (KeyboardInterrupt, TidewheelError):
            raise
        except Exception as exc:
            raise ResourceFunctionError(
                f"setting up the resource {key!r} raised {type(exc).__name__}: {error_text(exc)}",
                user_exception=exc,
            ) from exc

    def _shared(self, origin: Any) -> tuple[Any] | None:
        key = self._keys_by_origin.get(id(origin))
        if key is None:
            return None
        return (self.open(key),)

    def close(self) -> None:
        """Tear down everything, the last first."""
        self._stack.close()


def _is_resource(value: Any) -> bool:
    return isinstance(value, (ConfigurableResourceFactory, AttachesDifferentObject))


class ResourceScope:
    """The resources of a run, or of one step that runs in a process of its own (then ``step_key`` is given)."""

    def __init__(self, env: RunEnvironment, keys: Collection[str], step_key: str | None = None) -> None:
        self._env = env
        self._keys = sorted(keys)
        self._step_key = step_key
        self.loop: asyncio.AbstractEventLoop | None = None
        """The event loop of async resources, once one has asked for it; async functions run in it too."""
        context = _context(env, step_key)
        context._event_loop = self._made_loop
        self._factory = ResourceFactory(env.job.resource_defs, env.resolved.resources, context=context)
        self._views: dict[frozenset[str], ScopedResources] = {}

    def __enter__(self) -> ResourceScope:
        """Set up.

        Raises:
            ResourceFunctionError: when user code raises; what was set up before is torn down.
        """
        env, names = self._env, ", ".join(self._keys)
        if not self._keys:
            return self
        env.emit(
            EventType.RESOURCE_INIT_STARTED,
            f"Resources are being set up: {names}.",
            step_key=self._step_key,
            payload=EngineNote(),
        )
        try:
            with env.gate.user_code():
                for key in self._keys:
                    self._factory.open(key)
        except BaseException as exc:
            env.emit(
                EventType.RESOURCE_INIT_FAILURE,
                f"Setting up resources failed: {names}.",
                step_key=self._step_key,
                payload=EngineNote(error=_cause(exc)),
            )
            self._close_quietly()
            raise
        kinds = {
            key: f"{type(value).__module__}.{type(value).__name__}"
            for key, value in self._factory.values.items()
        }
        env.emit(
            EventType.RESOURCE_INIT_SUCCESS,
            f"Resources are set up: {names}.",
            step_key=self._step_key,
            payload=EngineNote(metadata=normalize_metadata(kinds)),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close_quietly()

    def _made_loop(self) -> asyncio.AbstractEventLoop:
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        return self.loop

    def _close_quietly(self) -> None:
        """Tear down; an error in it is reported and changes nothing else."""
        try:
            with contextlib.ExitStack() as last:
                last.callback(self._close_loop)
                self._factory.close()
        except Exception as exc:  # noqa: BLE001 - a boundary: user code; what is done is done
            self._env.emit(
                EventType.ENGINE_EVENT,
                f"Tearing down resources failed: {', '.join(self._keys)}.",
                step_key=self._step_key,
                payload=EngineNote(error=_cause(exc)),
            )

    def _close_loop(self) -> None:
        if self.loop is not None:
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()
            self.loop = None

    def value(self, key: str) -> Any:
        """A resource as typed parameters and the engine get it.

        Raises:
            InvalidDefinitionError: when there is no such resource.
        """
        if key not in self._factory.values:
            self._factory.open(key)
        return self._factory.values[key]

    def view(self, keys: frozenset[str]) -> ScopedResources:
        """Resources as ``context.resources`` shows them: those that were asked for."""
        view = self._views.get(keys)
        if view is None:
            for key in keys:
                self.value(key)
            view = self._views[keys] = ScopedResources({key: self._factory.shown[key] for key in keys})
        return view


def _context(env: RunEnvironment, step_key: str | None) -> InitResourceContext:
    """The context of resources inside a run."""
    context = InitResourceContext(
        instance=lambda: env.instance,
        dagster_run=lambda: env.run_view,
        log_manager=RunLog(env, step_key),
    )
    context.storage_dir = lambda: env.storage_dir
    return context


def _cause(exc: BaseException) -> ErrorInfo:
    return error_info(exc)


__all__ = ["ResourceFactory", "ResourceScope"]
