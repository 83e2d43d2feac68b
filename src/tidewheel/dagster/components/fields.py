"""The fields of components: models of them, and how each is read from plain values by its annotation."""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from tidewheel.dagster.components.resolution import ResolutionContext
from tidewheel.dagster.components.templates import has_expression
from tidewheel.errors import InvalidDefinitionError, did_you_mean

T = TypeVar("T")
_LISTS = (list, tuple, set, frozenset, collections.abc.Sequence, collections.abc.Set)
_DICTS = (dict, collections.abc.Mapping)
_SCALARS = (str, int, float, bool)


class Model(BaseModel):
    """A pydantic model that knows no other fields than its own."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Resolver:
    """Says how a field is read from plain values: a function of the context and the value (or of the whole model)."""

    def __init__(
        self,
        fn: Callable[[Any, Any], Any],
        *,
        model_field_type: Any = None,
        model_field_name: str | None = None,
        **more: Any,
    ) -> None:
        self.fn = fn
        self.model_field_type = model_field_type
        self.model_field_name = model_field_name
        self.takes_model = bool(more.pop("takes_model", False))
        self.takes_raw = bool(more.pop("takes_raw", False))
        self.more = more

    @staticmethod
    def default(**more: Any) -> Resolver:
        """The value with its expressions evaluated."""
        return Resolver(_evaluated, **more)

    @staticmethod
    def passthrough(**more: Any) -> Resolver:
        """The value as it is, expressions too."""
        return Resolver(_as_given, takes_raw=True, **more)

    @staticmethod
    def from_model(fn: Callable[[Any, Any], Any], **more: Any) -> Resolver:
        """By a function of the context and the whole model."""
        return Resolver(fn, takes_model=True, **more)

    @staticmethod
    def union(resolvers: Any) -> Resolver:
        """The first that can read the value, of pairs of a type and its resolver."""
        return Resolver(
            lambda context, value: _first([one for _, one in resolvers], context, value, lambda r: r.fn)
        )


class Resolvable:
    """Marks classes whose fields can be read from plain values."""

    @classmethod
    def resolve_from_dict(
        cls, dictionary: Mapping[str, Any], context: ResolutionContext | None = None
    ) -> Self:
        """An object of the class, its fields read from plain values as their annotations say."""
        return resolve_object(cls, dictionary, context or ResolutionContext())

    @classmethod
    def resolve_from_yaml(cls, yaml_text: str, *, scope: Mapping[str, Any] | None = None) -> Self:
        """As ``resolve_from_dict``, of a text in YAML; ``scope`` are more names that its expressions may use."""
        return cls.resolve_from_dict(
            yaml.safe_load(yaml_text), ResolutionContext().with_scope(**(scope or {}))
        )

    @classmethod
    def resolve_from_model(cls, context: ResolutionContext, model: BaseModel) -> Self:
        """As ``resolve_from_dict``, of the fields of a model that were given."""
        return resolve_object(cls, given_of(model), context)

    @classmethod
    def model(cls) -> type[BaseModel]:
        """A model of the plain values that the fields are read from."""
        return model_of(cls)


class FieldOf(typing.NamedTuple):
    """A field of a class: its name as an argument, that in the file, its annotation, and whether it must be given."""

    name: str
    given_as: str
    annotation: Any
    is_required: bool


def fields_of(kind: Any) -> list[FieldOf]:
    """The fields of a model, of a dataclass, or of the constructor of another class."""
    if issubclass(kind, BaseModel):
        hints = typing.get_type_hints(kind, include_extras=True)
        found = [
            (one.alias or name, hints.get(name, one.annotation), one.is_required())
            for name, one in kind.model_fields.items()
        ]
    elif dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind, include_extras=True)
        missing = dataclasses.MISSING
        found = [
            (one.name, hints[one.name], one.default is missing and one.default_factory is missing)
            for one in dataclasses.fields(kind)
            if one.init
        ]
    else:
        hints = typing.get_type_hints(kind.__init__, include_extras=True)
        parameters = list(inspect.signature(kind).parameters.values())
        variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        found = [
            (one.name, hints.get(one.name, Any), one.default is inspect.Parameter.empty)
            for one in parameters
            if one.kind not in variable
        ]
    made = []
    for name, annotation, is_required in found:
        resolver = resolver_in(annotation)
        given_as = (resolver.model_field_name if resolver is not None else None) or name
        made.append(FieldOf(name, given_as, annotation, is_required))
    return made


def model_of(kind: Any) -> type[BaseModel]:
    """A model of the plain values that a class's fields are read from: any values, no other names."""
    shape: dict[str, Any] = {
        one.given_as: (Any, ...) if one.is_required else (Any, None) for one in fields_of(kind)
    }
    return create_model(f"{kind.__name__}Model", __config__=ConfigDict(extra="forbid"), **shape)


def given_of(model: Any) -> Mapping[str, Any]:
    """What was given of a model's fields; mappings are what they are."""
    if isinstance(model, Mapping):
        return model
    return {name: getattr(model, name) for name in model.model_fields_set}


def resolve_object(kind: Any, data: Any, context: ResolutionContext) -> Any:
    """An object of a class with fields.

    Raises:
        InvalidDefinitionError: when values are wrong, missing or of no field.
    """
    values = resolve_fields(data, kind, context)
    try:
        return kind(**values)
    except ValidationError as exc:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors())
        raise context.mistake(
            f"expected values that {kind.__name__} takes, got wrong ones: {problems}"
        ) from exc


def resolve_fields(data: Any, kind: Any, context: ResolutionContext) -> dict[str, Any]:
    """The values of a class's fields, by name, of plain values or of a model.

    Raises:
        InvalidDefinitionError: when values are missing or of no field, or an expression cannot be evaluated.
    """
    if not isinstance(data, (Mapping, BaseModel)):
        raise context.mistake(f"expected the attributes of {kind.__name__}, got {data!r}")
    given, fields = given_of(data), fields_of(kind)
    known = [one.given_as for one in fields]
    for name in given:
        if name not in known:
            raise context.mistake(
                f"expected attributes of {kind.__name__}, got {name!r}; {did_you_mean(str(name), known)}"
            )
    found: dict[str, Any] = {}
    for one in fields:
        if one.given_as in given:
            found[one.name] = _field(one, kind, data, given, context.at_path(one.given_as))
        elif one.is_required:
            raise context.mistake(
                f"expected the attribute {one.given_as!r} of {kind.__name__}, got none; give it"
            )
    return found


def _field(field: FieldOf, kind: Any, data: Any, given: Mapping[str, Any], context: ResolutionContext) -> Any:
    """The value of one field. An expression that gives an object is that object, whatever the resolver."""
    resolver, value = resolver_in(field.annotation), given[field.given_as]
    if resolver is not None and resolver.takes_model:
        return resolver.fn(context, data if isinstance(data, BaseModel) else model_of(kind)(**given))
    if isinstance(value, str) and has_expression(value) and not (resolver is not None and resolver.takes_raw):
        value = context.resolve_value(value)
        if not isinstance(value, str):
            return value
    return resolve(field.annotation, value, context)


def resolve(annotation: Any, value: Any, context: ResolutionContext) -> Any:
    """A plain value as an annotation means it.

    Raises:
        InvalidDefinitionError: when it does not fit.
    """
    resolver = resolver_in(annotation)
    if resolver is not None:
        return resolver.fn(context, value)
    kind = _bare(annotation)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _one_of(inner, value, context)
    if isinstance(value, str) and has_expression(value):
        return context.resolve_value(value)  # whatever it gives
    if origin in _LISTS and inner and isinstance(value, (list, tuple)):
        items = [resolve(inner[0], one, context.at_path(n)) for n, one in enumerate(value)]
        return items if origin in (list, collections.abc.Sequence) else _collection(origin)(items)
    if origin in _DICTS and len(inner) == 2 and isinstance(value, Mapping):
        return {key: resolve(inner[1], one, context.at_path(key)) for key, one in value.items()}
    if inspect.isclass(kind) and issubclass(kind, Resolvable):
        return value if isinstance(value, kind) else resolve_object(kind, value, context)
    if inspect.isclass(kind) and issubclass(kind, BaseModel) and isinstance(value, Mapping):
        return resolve_object(kind, value, context)
    if kind is str and isinstance(value, str):
        return value
    found = context.resolve_value(value)
    return _checked(kind, found, context)


def _checked(kind: Any, value: Any, context: ResolutionContext) -> Any:
    """A value of a plain annotation, if it fits; whatever else is annotated is checked by the class itself."""
    if kind not in _SCALARS and typing.get_origin(kind) is not typing.Literal:
        return value
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as exc:
        shown = getattr(kind, "__name__", kind)
        raise context.mistake(f"expected {shown}, got {value!r}") from exc


def _one_of(kinds: tuple[Any, ...], value: Any, context: ResolutionContext) -> Any:
    if value is None and type(None) in kinds:
        return None
    others = [one for one in kinds if one is not type(None)]
    if isinstance(value, str) and has_expression(value) and not any(resolver_in(one) for one in others):
        return context.resolve_value(value)
    return _first(others, context, value, lambda kind: lambda inner, given: resolve(kind, given, inner))


def _first(
    choices: list[Any],
    context: ResolutionContext,
    value: Any,
    reader: Callable[[Any], Callable[[Any, Any], Any]],
) -> Any:
    """What the first choice gives that can read a value and gives something of its own kind.

    Raises:
        InvalidDefinitionError: when none can.
    """
    said: list[str] = []
    for choice in choices:
        try:
            found = reader(choice)(context, value)
        except (InvalidDefinitionError, ValueError, TypeError) as exc:
            said.append(str(exc))
            continue
        if len(choices) == 1 or _fits(choice, found):
            return found
        said.append(f"{found!r} is no {getattr(choice, '__name__', choice)}")
    raise context.mistake(f"expected a value of one of the kinds, got {value!r}: {'; '.join(said)}")


def _fits(annotation: Any, value: Any) -> bool:
    if isinstance(annotation, Resolver):
        return True
    try:
        adapter = TypeAdapter(_bare(annotation), config=ConfigDict(arbitrary_types_allowed=True))
    except Exception:  # noqa: BLE001 - annotations that pydantic cannot check, and classes with a config of their own
        kind = typing.get_origin(_bare(annotation)) or _bare(annotation)
        return isinstance(value, kind) if inspect.isclass(kind) else True
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def resolver_in(annotation: Any) -> Resolver | None:
    """The resolver that an annotation carries itself."""
    return next((one for one in _extras(annotation) if isinstance(one, Resolver)), None)


def _bare(annotation: Any) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is Annotated else annotation


def _extras(annotation: Any) -> Iterator[Any]:
    if typing.get_origin(annotation) is Annotated:
        yield from typing.get_args(annotation)[1:]


def _collection(origin: Any) -> Any:
    return origin if origin in (tuple, set, frozenset) else set


def _as_given(_context: Any, value: Any) -> Any:
    return value


def _evaluated(context: ResolutionContext, value: Any) -> Any:
    return context.resolve_value(value)


Injected = Annotated[T, Resolver(_evaluated, model_field_type=str)]
