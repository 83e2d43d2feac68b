"""Resources as functions: ``ResourceDefinition``, ``@resource``, and what other objects become when used as resources."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, TypeVar

from tidewheel.definitions.config.config_schema import Field, to_field
from tidewheel.definitions.config.config_validation import check_config
from tidewheel.definitions.config.configured import ConfigSource, fixed_or_mapped
from tidewheel.definitions.docstrings import description_of
from tidewheel.definitions.jobs.execution_hooks import hooks
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError

T = TypeVar("T")
RESOURCE_PARAM = "resource_param"
ResourceParam = Annotated[T, RESOURCE_PARAM]
"""Annotates a parameter of an op, asset, sensor or schedule that is a resource of any type."""


class ResourceDefinition:
    """A function that makes a resource: ``resource_fn(context)`` returns it, or yields it and cleans up afterwards."""

    def __init__(
        self,
        resource_fn: Callable[..., Any],
        config_schema: Any = None,
        description: str | None = None,
        required_resource_keys: AbstractSet[str] | None = None,
        version: str | None = None,
    ) -> None:
        if not callable(resource_fn):
            raise ParameterCheckError(f"expected resource_fn as a function, got {resource_fn!r}")
        self.resource_fn = resource_fn
        self._config_field = _schema_or_any(config_schema)
        self.source: ConfigSource | None = None
        self._description = description
        self._required_resource_keys = frozenset(required_resource_keys or ())
        self._version = version

    @property
    def config_field(self) -> Field:
        """The config that a run may or must give."""
        if self.source is not None and self.source.outer is not None:
            return self.source.outer
        return self._config_field

    @property
    def config_schema(self) -> Field:
        """The config that a run may or must give."""
        return self.config_field

    @property
    def description(self) -> str | None:
        """What it is."""
        return self._description

    @property
    def version(self) -> str | None:
        """The version its author gave."""
        return self._version

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """Other resources that the function uses."""
        return self._required_resource_keys

    def resolve_config(self, value: Any) -> Any:
        """The config that the function sees, for one that was checked against ``config_field``."""
        return self.source.resolve(value) if self.source is not None else value

    def configured(
        self,
        config_or_config_fn: Any,
        config_schema: Any = None,
        description: str | None = None,
    ) -> Any:
        """The same resource with its config fixed, or computed by a function."""
        copy = self.copy_for_configured()
        copy._description = description or self._description
        copy.source = fixed_or_mapped(
            config_or_config_fn,
            config_schema,
            inner=self.config_field,
            parent=self.source,
            subject="a resource",
        )
        return copy

    def copy_for_configured(self) -> Any:
        """A copy that can be given another config source."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def nested(self) -> Mapping[str, Any]:
        """Resources inside this one (only classes have them)."""
        return {}

    @staticmethod
    def hardcoded_resource(value: Any, description: str | None = None) -> ResourceDefinition:
        """A resource that is a given value."""
        return ResourceDefinition(lambda _context: value, description=description)

    @staticmethod
    def none_resource(description: str | None = None) -> ResourceDefinition:
        """A resource that is None."""
        return ResourceDefinition.hardcoded_resource(None, description)

    @staticmethod
    def mock_resource(description: str | None = None) -> ResourceDefinition:
        """A resource that is a mock."""
        from unittest import mock  # noqa: PLC0415 - only for tests

        return ResourceDefinition(lambda _context: mock.MagicMock(), description=description)

    @staticmethod
    def string_resource(description: str | None = None) -> ResourceDefinition:
        """A resource that is its config, a text."""
        return ResourceDefinition(
            lambda context: context.resource_config, config_schema=str, description=description
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function directly, as a test does."""
        return hooks().invoke_resource(self, args, kwargs)


def _schema_or_any(config_schema: Any) -> Field:
    if config_schema is None:
        return Field(Any, is_required=False)
    return to_field(config_schema)


def resource(
    config_schema: Any = None,
    description: str | None = None,
    required_resource_keys: AbstractSet[str] | None = None,
    version: str | None = None,
) -> Any:
    """Decorate a function of the context (or of nothing) as a resource; with or without parentheses."""
    if callable(config_schema) and not inspect.isclass(config_schema):
        return _resource_of(config_schema, None, description, required_resource_keys, version)

    def decorate(fn: Callable[..., Any]) -> ResourceDefinition:
        return _resource_of(fn, config_schema, description, required_resource_keys, version)

    return decorate


def _resource_of(
    fn: Callable[..., Any],
    config_schema: Any,
    description: str | None,
    keys: AbstractSet[str] | None,
    version: str | None,
) -> ResourceDefinition:
    require_context_only(fn, "resource")
    made = ResourceDefinition(fn, config_schema, description or description_of(fn), keys, version)
    made.__doc__ = fn.__doc__
    made.__name__ = getattr(fn, "__name__", "resource")  # type: ignore[attr-defined]
    made.__module__ = getattr(fn, "__module__", __name__)
    return made


def required_positionals(fn: Callable[..., Any]) -> list[inspect.Parameter]:
    """Parameters that must be given by position."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty]


def takes_context(fn: Callable[..., Any]) -> bool:
    """Whether a function has a positional parameter for the context."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return True
    kinds = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(p.kind in kinds for p in parameters)


def require_context_only(fn: Callable[..., Any], what: str) -> None:
    """Refuse functions that need more than the context.

    Raises:
        InvalidDefinitionError: when there are further parameters without a default.
    """
    extra = required_positionals(fn)[1:]
    if extra:
        raise InvalidDefinitionError(
            f"expected the {what} function {getattr(fn, '__name__', fn)!r} to take the context alone, got further "
            f"required parameters {[p.name for p in extra]}; give them defaults"
        )


def make_values_resource(**kwargs: Any) -> ResourceDefinition:
    """A resource that is its run config, a dict; keyword arguments are names and their config types."""
    return ResourceDefinition(lambda context: context.resource_config, config_schema=kwargs or Any)


def coerce_resource(value: Any) -> Any:
    """The definition behind anything given as a resource; plain objects become resources that are that object."""
    if isinstance(value, ResourceDefinition):
        return value
    convert = getattr(type(value), "__resource_definition__", None)
    if convert is not None:
        return convert(value)
    return ResourceDefinition.hardcoded_resource(value)


def coerce_resources(resources: Mapping[str, Any] | None) -> dict[str, ResourceDefinition]:
    """Definitions by key.

    Raises:
        ParameterCheckError: when it is no mapping from names.
    """
    if resources is None:
        return {}
    if not isinstance(resources, Mapping):
        raise ParameterCheckError(f"expected resources as a dict, got {resources!r}")
    for key in resources:
        if not isinstance(key, str) or not key.isidentifier():
            raise ParameterCheckError(
                f"expected resource keys that are Python identifiers, got {key!r}; replace other characters by _"
            )
    return {key: coerce_resource(value) for key, value in resources.items()}


def check_resource_config(definition: ResourceDefinition, value: Any, *, key: str) -> Any:
    """The config that a resource's function sees, for raw config given outside of a run.

    Raises:
        InvalidConfigError: when it does not fit.
    """
    checked = check_config(definition.config_field, value, subject=f"resource {key!r}")
    return definition.resolve_config(checked)
