"""Resources as classes: ``ConfigurableResource``, resources inside resources, and config given at launch.

A field of a resource class is either config or another resource. When a run needs the resource, a fresh instance is made
of the checked config and of the inner resources, and set up; the instance in the user's file is only its description.
"""

from __future__ import annotations

import contextlib
import inspect
import typing
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pydantic

from tidewheel.definitions.config.config_schema import Field, Shape
from tidewheel.definitions.config.config_validation import check_config
from tidewheel.definitions.config.pythonic_config import (
    Config,
    config_of,
    model_arguments,
    model_shape,
    to_config_value,
)
from tidewheel.definitions.jobs.execution_hooks import hooks
from tidewheel.definitions.resources.definition import (
    RESOURCE_PARAM,
    ResourceDefinition,
    check_resource_config,
    coerce_resource,
    takes_context,
)
from tidewheel.definitions.resources.resource_context import InitResourceContext, ScopedResources
from tidewheel.errors import InvalidDefinitionError, InvalidInvocationError

T = TypeVar("T")


@contextlib.contextmanager
def _in_event_loop(
    entered: contextlib.AbstractAsyncContextManager[Any], context: InitResourceContext, name: str
) -> Generator[Any, None, None]:
    """A resource that is set up and torn down asynchronously, in the event loop that the run's async functions use.

    Raises:
        InvalidInvocationError: when there is no event loop.
    """
    loop = context.event_loop
    if loop is None:
        raise InvalidInvocationError(
            f"expected an event loop for {name}, whose yield_for_execution is async, got none; give the context event_loop="
        )
    value = loop.run_until_complete(entered.__aenter__())
    try:
        yield value
    except BaseException as exc:
        if not loop.run_until_complete(entered.__aexit__(type(exc), exc, exc.__traceback__)):
            raise
    else:
        loop.run_until_complete(entered.__aexit__(None, None, None))


class _InnerResource:
    """Marks a field as a resource."""


if TYPE_CHECKING:
    ResourceDependency = typing.Annotated[T, "resource_dependency"]
else:

    class ResourceDependency:
        """Annotates a field of a resource class that is a resource of any type: ``ResourceDependency[Client]``."""

        def __class_getitem__(cls, item: Any) -> Any:
            """The annotation that pydantic sees."""
            return typing.Annotated[Any, _InnerResource()]


class ConfigurableResourceFactory(Config, Generic[T]):
    """A resource class that makes something else: implement ``create_resource(context)``."""

    def __init__(self, **config_dict: Any) -> None:
        """Set the fields.

        Raises:
            InvalidPythonicConfigDefinitionError: when the class has fields that are neither config nor resources.
        """
        resource_shape(type(self))
        super().__init__(**config_dict)

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def _accept_what_becomes_one(cls, value: Any, handler: Callable[[Any], Any]) -> Any:
        """A field of this class also takes resources whose config comes later, and plain definitions."""
        if isinstance(value, (PartialResource, ResourceDefinition)):
            return value
        return handler(value)

    def create_resource(self, context: InitResourceContext) -> T:
        """Make the resource.

        Raises:
            NotImplementedError: unless a subclass implements it.
        """
        raise NotImplementedError(f"expected {type(self).__name__} to implement create_resource")

    def setup_for_execution(self, context: InitResourceContext) -> None:
        """Called before use; override to open connections."""

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        """Called after use, also after a failure; override to close them."""

    @contextlib.contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Generator[Any, None, None]:
        """Set up, hand out, tear down; override instead of the two methods above where a ``with`` is nicer."""
        self.setup_for_execution(context)
        try:
            yield self
        finally:
            self.teardown_after_execution(context)

    @classmethod
    def configure_at_launch(cls, **kwargs: Any) -> PartialResource:
        """A resource whose remaining config comes with each run."""
        return PartialResource(cls, kwargs)

    def required_resource_keys(self) -> set[str]:
        """Keys of other resources used through ``get_resource_context()``."""
        return set()

    def get_resource_context(self) -> InitResourceContext:
        """The context of the set-up that made this instance.

        Raises:
            InvalidInvocationError: when it was not made by a run.
        """
        context = self.__dict__.get("_resource_context")
        if context is None:
            raise InvalidInvocationError(
                f"expected {type(self).__name__} to be set up by a run, got an instance made by hand; use "
                "with_replaced_resource_context or process_config_and_initialize"
            )
        return context  # type: ignore[no-any-return]

    def with_replaced_resource_context(self, resource_context: InitResourceContext) -> Any:
        """A copy that has this context."""
        copy = self.model_copy()
        copy.__dict__["_resource_context"] = resource_context
        return copy

    @classmethod
    def from_resource_context(cls, context: InitResourceContext, nested_resources: Any = None) -> Any:
        """An instance made of a context's config, set up but not torn down."""
        made = cls._from_context(context, nested_resources)
        if type(made).yield_for_execution is not ConfigurableResourceFactory.yield_for_execution:
            raise InvalidInvocationError(
                f"expected {cls.__name__} to be used in a with statement, as it overrides yield_for_execution; "
                "use from_resource_context_cm"
            )
        made.setup_for_execution(context)
        return exposed(made, made, context)

    @classmethod
    @contextlib.contextmanager
    def from_resource_context_cm(
        cls, context: InitResourceContext, nested_resources: Any = None
    ) -> Generator[Any, None, None]:
        """As ``from_resource_context``, torn down at the end of the ``with``."""
        made = cls._from_context(context, nested_resources)
        with made.yield_for_execution(context) as value:
            yield exposed(made, value, context)

    @classmethod
    def _from_context(cls, context: InitResourceContext, nested_resources: Any) -> Any:
        config = context.resource_config or {}
        shape = resource_shape(cls)
        checked = (
            check_config(Field(shape), config, subject=f"resource {cls.__name__}") if shape.fields else {}
        )
        made = cls(**model_arguments(shape, checked), **(nested_resources or {}))
        return made.with_replaced_resource_context(context)

    def process_config_and_initialize(self) -> Any:
        """This resource with its config checked and the environment read, set up; for use outside of runs."""
        if type(self).yield_for_execution is not ConfigurableResourceFactory.yield_for_execution:
            raise InvalidInvocationError(
                f"expected {type(self).__name__} to be used in a with statement, as it overrides yield_for_execution; "
                "use process_config_and_initialize_cm"
            )
        opened = self.process_config_and_initialize_cm()
        value = opened.__enter__()
        self.__dict__["_opened"] = opened  # a dropped context manager would tear the resource down
        return value

    @contextlib.contextmanager
    def process_config_and_initialize_cm(self) -> Generator[Any, None, None]:
        """As ``process_config_and_initialize``, torn down at the end of the ``with``."""
        context = hooks().new_resource_context()
        definition = self.__resource_definition__()
        with definition.open(definition.checked_config(None), context, lambda _resource: None) as value:
            yield value

    @classmethod
    def is_dagster_maintained(cls) -> bool:
        """Whether the class comes with this package."""
        return cls.__module__.startswith("tidewheel.")

    def get_object_to_set_on_execution_context(self) -> Any:
        """What ``context.resources`` shows; this instance by default."""
        return self

    def _convert_to_config_dictionary(self) -> Mapping[str, Any]:
        nested = {name: getattr(self, name) for name in resource_fields(type(self))}
        result = config_of(self, leave_out=set(nested))
        for name, value in nested.items():
            if isinstance(value, ConfigurableResourceFactory):
                result[name] = dict(value._convert_to_config_dictionary())
        order = list(type(self).model_fields)
        return dict(
            sorted(result.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))
        )

    def get_resource_definition(self) -> ConfigurableResourceDefinition:
        """This resource as a definition."""
        return self.__resource_definition__()

    def __resource_definition__(self) -> ConfigurableResourceDefinition:
        known = self.__dict__.get("_definition")
        if known is None or known.instance is not self:  # a copied instance carries the original's
            known = self.__dict__["_definition"] = self._new_definition()
        return known  # type: ignore[no-any-return]

    def _new_definition(self) -> ConfigurableResourceDefinition:
        return ConfigurableResourceDefinition(type(self), self, self)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return False
        names = type(self).model_fields
        return all(getattr(self, name, None) == getattr(other, name, None) for name in names)

    __hash__ = object.__hash__

    @classmethod
    def to_config_schema(cls) -> Field:
        """The class's config as a schema for ``config_schema=``."""
        return Field(resource_shape(cls))


class ConfigurableResource(ConfigurableResourceFactory[T], Generic[T]):
    """A resource class whose instances are the resource."""

    def create_resource(self, context: InitResourceContext) -> Any:
        """This instance."""
        return self


class PartialResource:
    """A resource class with some of its config; the rest comes with each run."""

    def __init__(self, resource_cls: type[ConfigurableResourceFactory[Any]], data: Mapping[str, Any]) -> None:
        self.resource_cls = resource_cls
        self.data = dict(data)
        self._definition: ConfigurableResourceDefinition | None = None

    def __resource_definition__(self) -> ConfigurableResourceDefinition:
        """This resource as a definition."""
        if self._definition is None:
            self._definition = definition_class(self.resource_cls)(self.resource_cls, None, self, self.data)
        return self._definition

    def get_resource_definition(self) -> ConfigurableResourceDefinition:
        """This resource as a definition."""
        return self.__resource_definition__()


def resource_fields(cls: type[pydantic.BaseModel]) -> tuple[str, ...]:
    """Names of the fields that are resources."""
    known = cls.__dict__.get("__resource_fields_cache__")
    if known is None:
        known = tuple(name for name, info in cls.model_fields.items() if _is_resource_field(info))
        type.__setattr__(cls, "__resource_fields_cache__", known)
    return known  # type: ignore[no-any-return]


def _is_resource_field(info: Any) -> bool:
    if any(isinstance(extra, _InnerResource) or extra == RESOURCE_PARAM for extra in info.metadata):
        return True
    return _is_resource_type(info.annotation)


def _is_resource_type(annotation: Any) -> bool:
    if inspect.isclass(annotation) and issubclass(
        annotation, (ConfigurableResourceFactory, ResourceDefinition)
    ):
        return True
    if typing.get_origin(annotation) is typing.Annotated:
        return any(isinstance(extra, _InnerResource) for extra in typing.get_args(annotation)[1:])
    inner = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
    return len(inner) == 1 and annotation is not None and _is_optional_of_resource(annotation, inner[0])


def _is_optional_of_resource(annotation: Any, inner: Any) -> bool:
    is_union = typing.get_origin(annotation) is typing.Union or type(annotation).__name__ == "UnionType"
    return is_union and _is_resource_type(inner)


def resource_shape(cls: type[pydantic.BaseModel]) -> Any:
    """The config part of a resource class."""
    return model_shape(cls, leave_out=frozenset(resource_fields(cls)))


def exposed(made: Any, value: Any, context: InitResourceContext) -> Any:
    """What a set-up instance of a resource class gives to user code."""
    if (
        isinstance(made, ConfigurableResource)
        and type(made).create_resource is ConfigurableResource.create_resource
    ):
        return value
    return made.create_resource(context)


class ConfigurableResourceDefinition(ResourceDefinition):
    """A resource class, with the config that the user's file gave, as a definition.

    ``origin`` is the object in the user's file: an inner resource that is the same object as a top-level one whose
    config comes at launch is shared with it.
    """

    def __init__(
        self,
        cls: type[ConfigurableResourceFactory[Any]],
        instance: ConfigurableResourceFactory[Any] | None,
        origin: Any,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.cls = cls
        self.origin = origin
        self.instance = instance
        self._given = dict(data or {}) if instance is None else _given_values(instance)
        self._nested = {
            name: coerce_resource(self._given[name])
            for name in resource_fields(cls)
            if self._given.get(name) is not None
        }
        shape = resource_shape(cls)
        keys = instance.required_resource_keys() if instance is not None else set()
        super().__init__(
            self._refuse_call,
            config_schema=None,
            description=cls.__dict__.get("__doc__"),
            required_resource_keys=keys,
        )
        self._shape = shape
        self._config_field = self._field()

    def _refuse_call(self, _context: Any) -> Any:
        raise InvalidInvocationError(
            f"expected {self.cls.__name__} to be set up by a run, got called; make an instance"
        )

    def _field(self) -> Field:
        """The class's config, what the user's file gave as defaults."""
        plain = self._plain_given()
        fields: dict[str, Field] = {}
        for name, field in self._shape.fields.items():
            label = self._shape.field_aliases.get(name, name)
            if label in plain:
                copy = Field(field.config_type, is_required=False, description=field.description)
                copy._default = plain[label]
                fields[name] = copy
            else:
                fields[name] = field
        for name, inner in self._nested.items():
            if isinstance(inner, ConfigurableResourceDefinition) and not inner.is_at_launch:
                fields[name] = Field(inner.config_field.config_type, is_required=False)
        shape = Shape(fields, self._description, self._shape.field_aliases)
        shape.is_permissive = self._shape.is_permissive
        return Field(shape)

    def _plain_given(self) -> dict[str, Any]:
        if self.instance is not None:
            return config_of(self.instance, leave_out=set(resource_fields(self.cls)))
        return {k: to_config_value(v) for k, v in self._given.items() if k not in resource_fields(self.cls)}

    @property
    def is_at_launch(self) -> bool:
        """Whether config is still to come with the run."""
        return self.instance is None

    def inner_at_launch(self) -> Iterator[tuple[str, Any]]:
        """Field and origin of inner resources, however deep, whose config is still to come with the run."""
        for name, inner in self._nested.items():
            if isinstance(inner, ConfigurableResourceDefinition):
                if inner.is_at_launch:
                    yield f"{self.cls.__name__}.{name}", inner.origin
                yield from inner.inner_at_launch()
            elif inner.config_field.is_required:
                yield f"{self.cls.__name__}.{name}", inner

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """Other resources by key, its own and those of inner resources."""
        keys = set(self._required_resource_keys)
        for inner in self._nested.values():
            keys |= inner.required_resource_keys
        return frozenset(keys)

    def given_config(self) -> dict[str, Any]:
        """What the user's file says of its config, by field; variables as ``{"env": NAME}``. Defaults are not in it."""
        given = self._plain_given()
        if self.instance is None:
            return given
        labels = {name: info.alias or name for name, info in self.cls.model_fields.items()}
        named = {label for name in self.instance.model_fields_set for label in (name, labels.get(name, name))}
        return {label: value for label, value in given.items() if label in named}

    def nested(self) -> Mapping[str, Any]:
        """Definitions of inner resources by field."""
        return self._nested

    def checked_config(self, value: Any) -> Any:
        """Config given outside of a run, checked; the environment is read."""
        return check_config(self._config_field, value, subject=f"resource {self.cls.__name__}")

    @contextlib.contextmanager
    def open(
        self, config: Any, context: InitResourceContext, shared: Callable[[Any], Any]
    ) -> Generator[Any, None, None]:
        """Set the resource up, inner ones first, and tear it down afterwards.

        ``shared(origin)`` gives the value of a top-level resource made of the same object, wrapped in a tuple, or None.
        """
        config = dict(self.resolve_config(config) or {})
        with contextlib.ExitStack() as stack:
            inner_values: dict[str, Any] = {}
            for name, inner in self._nested.items():
                inner_config = config.pop(name, None)
                inner_values[name] = self._open_inner(stack, name, inner, inner_config, context, shared)
            made = self._make(config, inner_values)
            made.__dict__["_resource_context"] = context
            entered = made.yield_for_execution(context)
            if isinstance(entered, contextlib.AbstractAsyncContextManager):
                entered = _in_event_loop(entered, context, self.cls.__name__)
            value = stack.enter_context(entered)
            yield self.expose(made, value, context)

    def expose(self, made: Any, value: Any, context: InitResourceContext) -> Any:
        """What user code gets."""
        return exposed(made, value, context)

    def _open_inner(
        self,
        stack: contextlib.ExitStack,
        name: str,
        inner: Any,
        config: Any,
        context: InitResourceContext,
        shared: Callable[[Any], Any],
    ) -> Any:
        if isinstance(inner, ConfigurableResourceDefinition):
            if inner.is_at_launch:
                found = shared(inner.origin)
                if found is None:
                    raise InvalidDefinitionError(
                        f"expected the resource {inner.cls.__name__} inside {self.cls.__name__}.{name} to be a top-level "
                        "resource too, since its config comes at launch, got it only here; add it to resources"
                    )
                return found[0]
            if config is None:
                config = inner.checked_config(None)
            return stack.enter_context(inner.open(config, context, shared))
        found = shared(inner)
        if found is not None:
            return found[0]
        checked = check_resource_config(inner, config, key=name)
        return stack.enter_context(open_function_resource(inner, checked, context))

    def _make(self, config: Mapping[str, Any], inner_values: Mapping[str, Any]) -> Any:
        return _construct(self.cls, model_arguments(self._shape, config), inner_values, self._given)


def inner_resource_problems(resources: Mapping[str, Any]) -> list[str]:
    """What to say of inner resources whose config comes with the run and that are no top-level resources."""
    known = {id(origin) for one in resources.values() for origin in (one, getattr(one, "origin", one))}
    return [
        f"expected the resource in {place} to be a top-level resource too, since its config comes with the run, got it "
        "only there; add it to resources, or configure it"
        for definition in resources.values()
        if isinstance(definition, ConfigurableResourceDefinition)
        for place, origin in definition.inner_at_launch()
        if id(origin) not in known
    ]


def _construct(
    cls: Any, arguments: Mapping[str, Any], inner: Mapping[str, Any], given: Mapping[str, Any]
) -> Any:
    """An instance whose config was validated, with inner resources put in as they are (of whatever type)."""
    placeholders = {
        name: given[name] for name in resource_fields(cls) if name in given and given[name] is not None
    }
    made = cls(**arguments, **placeholders)
    for name, value in inner.items():
        made.__dict__[name] = value
    return made


def _given_values(instance: pydantic.BaseModel) -> dict[str, Any]:
    return {name: getattr(instance, name) for name in type(instance).model_fields if hasattr(instance, name)}


@contextlib.contextmanager
def open_function_resource(
    definition: ResourceDefinition, config: Any, context: InitResourceContext
) -> Generator[Any, None, None]:
    """Set up a resource made by a function; one that yields is torn down afterwards."""
    inner_context = context.replace_config(config)
    inner_context.resource_def = definition
    fn = definition.resource_fn
    made = fn(inner_context) if takes_context(fn) else fn()
    if inspect.isgenerator(made):
        try:
            value = next(made)
        except StopIteration:
            raise InvalidDefinitionError(
                f"expected the generator resource {getattr(fn, '__name__', fn)!r} to yield once, got nothing"
            ) from None
        try:
            yield value
        finally:
            next(made, None)
    elif (
        isinstance(made, contextlib.AbstractContextManager)
        and type(made).__name__ == "_GeneratorContextManager"
    ):
        with made as value:
            yield value
    else:
        yield made


def definition_class(cls: type) -> type[ConfigurableResourceDefinition]:
    """The kind of definition for a resource class (IO managers have their own)."""
    kind = getattr(cls, "__definition_class__", None)
    return kind() if kind is not None else ConfigurableResourceDefinition


def is_resource_annotation(annotation: Any) -> bool:
    """Whether a parameter so annotated is a resource: a resource class or ``ResourceParam[...]``."""
    if typing.get_origin(annotation) is typing.Annotated:
        return RESOURCE_PARAM in typing.get_args(annotation)[1:]
    if inspect.isclass(annotation):
        is_declared = bool(getattr(annotation, "__is_resource_type__", False))
        return is_declared or issubclass(
            annotation, (ConfigurableResourceFactory, PartialResource, ResourceDefinition)
        )
    origin = typing.get_origin(annotation)
    return inspect.isclass(origin) and issubclass(origin, ConfigurableResourceFactory)


def refuse_resource_makers(annotation: Any, parameter: str, subject: str) -> None:
    """Refuse the annotation of a parameter that names what makes a resource, as the function gets what it makes.

    Raises:
        InvalidDefinitionError: for a factory of resources or IO managers, or a resource definition.
    """
    makes = inspect.isclass(annotation) and issubclass(
        annotation, (ConfigurableResourceFactory, ResourceDefinition)
    )
    if (
        makes
        and not issubclass(annotation, ConfigurableResource)
        and not getattr(annotation, "__is_resource_itself__", False)
    ):
        raise InvalidDefinitionError(
            f"{subject}, parameter {parameter!r}: expected the type that the resource has in use, got {annotation!r}, which "
            "makes it; annotate with ResourceParam[...] of that type"
        )


class AttachesDifferentObject:
    """A mix-in for resources whose ``context.resources`` entry is another object than the typed parameter."""

    def get_object_to_set_on_execution_context(self) -> Any:
        """What ``context.resources`` shows."""
        raise NotImplementedError


__all__ = [
    "AttachesDifferentObject",
    "ConfigurableResource",
    "ConfigurableResourceDefinition",
    "ConfigurableResourceFactory",
    "PartialResource",
    "ResourceDependency",
    "ScopedResources",
]
