"""The fields of components: models of them, and how a field is read from plain values."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, create_model

from tidewheel.dagster.components.load_context import ResolutionContext
from tidewheel.definitions.assets.asset_spec import AssetCheckSpec, AssetSpec
from tidewheel.errors import ParameterCheckError
from tidewheel.values.keys import AssetKey

T = TypeVar("T")


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
        self.more = more

    @staticmethod
    def default(**more: Any) -> Resolver:
        """The value as it is."""
        return Resolver(_as_given, **more)

    @staticmethod
    def passthrough(**more: Any) -> Resolver:
        """The value as it is."""
        return Resolver(_as_given, **more)

    @staticmethod
    def from_model(fn: Callable[[Any, Any], Any], **more: Any) -> Resolver:
        """By a function of the context and the whole model."""
        return Resolver(fn, takes_model=True, **more)

    @staticmethod
    def union(resolvers: Any) -> Resolver:
        """The value as it is."""
        return Resolver(_as_given)


class Resolvable:
    """Marks classes whose fields can be read from plain values."""

    @classmethod
    def resolve_from_dict(cls, data: Mapping[str, Any], context: ResolutionContext | None = None) -> Self:
        """An object of the class, its fields read from plain values as their resolvers say."""
        return cls(**resolve_fields(data, cls, context or ResolutionContext()))

    @classmethod
    def resolve_from_model(cls, context: ResolutionContext, model: BaseModel) -> Self:
        """As ``resolve_from_dict``, of a model's fields."""
        return cls.resolve_from_dict(
            {name: getattr(model, name) for name in type(model).model_fields}, context
        )

    @classmethod
    def model(cls) -> Any:
        """The model of the fields, where the class is one."""
        return cls if issubclass(cls, BaseModel) else None


def resolve_fields(data: Any, kind: type, context: ResolutionContext) -> dict[str, Any]:
    """The values of a class's fields, by name, of plain values or of a model."""
    given = (
        data if isinstance(data, Mapping) else {name: getattr(data, name) for name in type(data).model_fields}
    )
    found = {}
    for name, annotation in typing.get_type_hints(kind, include_extras=True).items():
        if name not in given or (dataclasses.is_dataclass(kind) and name not in _names_of(kind)):
            continue
        resolver = next((one for one in _extras(annotation) if isinstance(one, Resolver)), None)
        if resolver is None:
            found[name] = given[name]
        else:
            value = data if resolver.takes_model else given[name]
            found[name] = resolver.fn(context.at_path(name), value)
    return found


def _names_of(kind: Any) -> set[str]:
    return {one.name for one in dataclasses.fields(kind)}


def _extras(annotation: Any) -> tuple[Any, ...]:
    return typing.get_args(annotation)[1:] if typing.get_origin(annotation) is Annotated else ()


def _as_given(_context: Any, value: Any) -> Any:
    return value


def _key(_context: Any, value: Any) -> AssetKey:
    return AssetKey.from_user_string(value) if isinstance(value, str) else AssetKey(value)


def _spec(_context: Any, value: Any) -> AssetSpec:
    if isinstance(value, AssetSpec):
        return value
    if not isinstance(value, Mapping):
        raise ParameterCheckError(f"expected an asset as a mapping with key, deps and so on, got {value!r}")
    deps = [_key(None, one) for one in value.get("deps") or ()]
    rest = {name: one for name, one in value.items() if name not in ("key", "deps")}
    return AssetSpec(_key(None, value["key"]), deps=deps, **rest)


def _check_spec(_context: Any, value: Any) -> AssetCheckSpec:
    if isinstance(value, AssetCheckSpec):
        return value
    return AssetCheckSpec(**{**value, "asset": _key(None, value["asset"])})


class OpSpec(Model):
    """What a component's op is called, and how it is tagged."""

    name: str | None = None
    tags: dict[str, Any] | None = None
    description: str | None = None
    pool: str | None = None
    backfill_policy: Any = None


ResolvedAssetKey = Annotated[AssetKey, Resolver(_key, model_field_type=str)]
ResolvedAssetSpec = Annotated[AssetSpec, Resolver(_spec)]
ResolvedAssetCheckSpec = Annotated[AssetCheckSpec, Resolver(_check_spec)]
Injected = Annotated[T, Resolver(_as_given, model_field_type=str)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AssetSpecKeyUpdateKwargs(Resolvable):
    """What changes the key of an asset's spec: another key, or a prefix."""

    key: Any = None
    key_prefix: Any = None

    @classmethod
    def model(cls) -> Any:
        """The model of the fields, each of which may be left out."""
        options: dict[str, Any] = {one.name: (Any, None) for one in dataclasses.fields(cls)}
        return create_model(f"{cls.__name__}Model", __base__=Model, **options)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AssetSpecUpdateKwargs(AssetSpecKeyUpdateKwargs):
    """What changes an asset's spec: any of its attributes."""

    deps: Any = None
    description: Any = None
    metadata: Any = None
    group_name: Any = None
    skippable: Any = None
    code_version: Any = None
    owners: Any = None
    tags: Any = None
    kinds: Any = None
    automation_condition: Any = None
    partitions_def: Any = None
    freshness_policy: Any = None
