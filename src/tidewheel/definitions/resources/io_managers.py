"""IO managers: what stores outputs and loads inputs; as classes, as functions, and as configurable classes."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar

from tidewheel.definitions.config.config_schema import Field, to_optional_field
from tidewheel.definitions.resources.definition import ResourceDefinition, require_context_only
from tidewheel.definitions.resources.pythonic_resources import (
    ConfigurableResourceDefinition,
    ConfigurableResourceFactory,
)
from tidewheel.definitions.resources.resource_context import InitResourceContext
from tidewheel.errors import CheckError, InvalidDefinitionError


class InputManager(ABC):
    """Loads inputs."""

    @abstractmethod
    def load_input(self, context: Any) -> Any:
        """The value of an input; ``context`` says of which."""


class OutputManager(ABC):
    """Stores outputs."""

    @abstractmethod
    def handle_output(self, context: Any, obj: Any) -> Any:
        """Store an output's value; ``context`` says of which."""


def value_by_partition(context: Any, obj: Any, keys: Collection[Any]) -> dict[Any, Any]:
    """The value of each partition that an output is for: the value itself where there is one, else those of a mapping.

    Raises:
        CheckError: for something else where several partitions are to be stored.
    """
    if len(keys) == 1:
        return dict.fromkeys(keys, obj)
    if isinstance(obj, Mapping):
        by_text = {str(key): value for key, value in obj.items()}
        if by_text.keys() == {str(key) for key in keys}:
            return {key: by_text[str(key)] for key in keys}
    advice = (
        "say that there is nothing to store with '-> None' or a MaterializeResult"
        if obj is None
        else "return such a dict"
    )
    raise CheckError(
        f"expected one value for {len(keys)} partitions of {context.asset_key.to_user_string()!r} as a dict by "
        f"partition key, got {type(obj).__name__}; {advice}, or use a BackfillPolicy with one partition for each run"
    )


class IOManager(InputManager, OutputManager):
    """Stores the outputs of steps and loads them as inputs of others."""

    @abstractmethod
    def load_input(self, context: Any) -> Any:
        """The value of an input; ``context`` says of which, ``context.upstream_output`` where it comes from."""

    @abstractmethod
    def handle_output(self, context: Any, obj: Any) -> Any:
        """Store an output's value; ``context`` says of which. May yield metadata and materialisations."""

    @classmethod
    def __resource_definition__(cls, value: Any) -> IOManagerDefinition:
        """An instance as a definition."""
        return IOManagerDefinition.hardcoded_io_manager(value)


class InputManagerDefinition(ResourceDefinition):
    """A function that makes an input manager (or, as made by ``@input_manager``, loads the input itself)."""

    def __init__(
        self,
        resource_fn: Callable[..., Any],
        config_schema: Any = None,
        description: str | None = None,
        input_config_schema: Any = None,
        required_resource_keys: AbstractSet[str] | None = None,
        version: str | None = None,
    ) -> None:
        super().__init__(resource_fn, config_schema, description, required_resource_keys, version)
        self._input_config_schema = to_optional_field(_schema(input_config_schema))

    @property
    def input_config_schema(self) -> Field | None:
        """Config that each input loaded by it may have in run config."""
        return self._input_config_schema


class IOManagerDefinition(ResourceDefinition):
    """A function that makes an IO manager."""

    def __init__(
        self,
        resource_fn: Callable[..., Any],
        config_schema: Any = None,
        description: str | None = None,
        required_resource_keys: AbstractSet[str] | None = None,
        version: str | None = None,
        input_config_schema: Any = None,
        output_config_schema: Any = None,
    ) -> None:
        super().__init__(resource_fn, config_schema, description, required_resource_keys, version)
        self._input_config_schema = to_optional_field(_schema(input_config_schema))
        self._output_config_schema = to_optional_field(_schema(output_config_schema))

    @property
    def input_config_schema(self) -> Field | None:
        """Config that each input loaded by it may have in run config."""
        return self._input_config_schema

    @property
    def output_config_schema(self) -> Field | None:
        """Config that each output stored by it may have in run config."""
        return self._output_config_schema

    @staticmethod
    def hardcoded_io_manager(value: IOManager, description: str | None = None) -> IOManagerDefinition:
        """An IO manager that is a given instance."""
        return IOManagerDefinition(lambda _context: value, description=description)


def _schema(raw: Any) -> Any:
    return raw


def io_manager(
    config_schema: Any = None,
    description: str | None = None,
    output_config_schema: Any = None,
    input_config_schema: Any = None,
    required_resource_keys: AbstractSet[str] | None = None,
    version: str | None = None,
) -> Any:
    """Decorate a function of the context that makes an IO manager; with or without parentheses."""

    def decorate(fn: Callable[..., Any]) -> IOManagerDefinition:
        require_context_only(fn, "IO manager")
        made = IOManagerDefinition(
            fn,
            None if bare else config_schema,
            description,
            required_resource_keys,
            version,
            input_config_schema,
            output_config_schema,
        )
        made.__doc__ = fn.__doc__
        made.__name__ = getattr(fn, "__name__", "io_manager")  # type: ignore[attr-defined]
        return made

    bare = callable(config_schema) and not inspect.isclass(config_schema)
    return decorate(config_schema) if bare else decorate


def input_manager(
    config_schema: Any = None,
    description: str | None = None,
    input_config_schema: Any = None,
    required_resource_keys: AbstractSet[str] | None = None,
    version: str | None = None,
) -> Any:
    """Decorate a function that loads an input from its context; with or without parentheses."""

    def decorate(fn: Callable[..., Any]) -> InputManagerDefinition:
        return InputManagerDefinition(
            lambda _context: FunctionInputManager(fn),
            None if bare else config_schema,
            description,
            input_config_schema,
            required_resource_keys,
            version,
        )

    bare = callable(config_schema) and not inspect.isclass(config_schema)
    return decorate(config_schema) if bare else decorate


class FunctionInputManager(InputManager):
    """An input manager made of a function."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = fn

    def load_input(self, context: Any) -> Any:
        """Call the function, with the context if it takes one."""
        made = self._fn(context) if inspect.signature(self._fn).parameters else self._fn()
        if isinstance(made, InputManager):
            return made.load_input(context)
        return made


class ConfigurableIOManagerDefinition(ConfigurableResourceDefinition, IOManagerDefinition):
    """A configurable IO manager class as a definition."""

    _input_config_schema: Field | None = None
    _output_config_schema: Field | None = None

    def expose(self, made: Any, value: Any, context: InitResourceContext) -> Any:
        """The IO manager.

        Raises:
            InvalidDefinitionError: when the class made something that is none.
        """
        found = super().expose(made, value, context)
        if not (hasattr(found, "handle_output") or hasattr(found, "load_input")):
            raise InvalidDefinitionError(
                f"expected {self.cls.__name__}.create_io_manager to return an IO manager, got {found!r}"
            )
        return found


def _io_manager_definition_class() -> type[ConfigurableResourceDefinition]:
    return ConfigurableIOManagerDefinition


class ConfigurableIOManagerFactory(ConfigurableResourceFactory[Any]):
    """A configurable class that makes an IO manager: implement ``create_io_manager(context)``."""

    __definition_class__ = staticmethod(_io_manager_definition_class)

    def create_resource(self, context: InitResourceContext) -> Any:
        """The IO manager."""
        return self.create_io_manager(context)

    def create_io_manager(self, context: InitResourceContext) -> Any:
        """Make the IO manager.

        Raises:
            NotImplementedError: unless a subclass implements it.
        """
        raise NotImplementedError(f"expected {type(self).__name__} to implement create_io_manager")

    @classmethod
    def input_config_schema(cls) -> Any:
        """Config that each input may have in run config."""
        return None

    @classmethod
    def output_config_schema(cls) -> Any:
        """Config that each output may have in run config."""
        return None

    def _new_definition(self) -> ConfigurableResourceDefinition:
        made = ConfigurableIOManagerDefinition(type(self), self, self)
        made._input_config_schema = to_optional_field(type(self).input_config_schema())
        made._output_config_schema = to_optional_field(type(self).output_config_schema())
        return made


class ConfigurableIOManager(ConfigurableIOManagerFactory, IOManager):
    """A configurable IO manager: a class with config fields, ``handle_output`` and ``load_input``."""

    __is_resource_itself__: ClassVar[bool] = True

    def create_resource(self, context: InitResourceContext) -> Any:
        """This instance."""
        return self

    def create_io_manager(self, context: InitResourceContext) -> Any:
        """This instance."""
        return self

    def __resource_definition__(self) -> Any:  # type: ignore[override]
        """This IO manager as a definition."""
        return ConfigurableResourceFactory.__resource_definition__(self)

    # handle_output and load_input stay those of IOManager, so that a second base class may implement them


class ConfigurableLegacyIOManagerAdapter(ConfigurableIOManagerFactory):
    """Wraps an IO manager that is written as a function: implement ``wrapped_io_manager``."""

    @property
    @abstractmethod
    def wrapped_io_manager(self) -> IOManagerDefinition:
        """The definition that is wrapped."""

    def create_io_manager(self, context: InitResourceContext) -> Any:
        """The IO manager that the wrapped definition makes of this class's config."""
        from tidewheel.definitions.resources.pythonic_resources import open_function_resource  # noqa: PLC0415 - rarely used

        opened = open_function_resource(self.wrapped_io_manager, context.resource_config, context)
        made = opened.__enter__()
        self.__dict__["_opened"] = opened
        return made
