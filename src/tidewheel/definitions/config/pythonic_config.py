"""``Config``: run config as a class with typed fields, and how its fields become a config schema.

Run config is checked against the schema first, so that every problem of a whole run is found at once; then an instance
is made, and pydantic's own validators run.
"""

from __future__ import annotations

import enum
import functools
import inspect
import types as python_types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from tidewheel.definitions.config import config_schema as schemas
from tidewheel.definitions.config.config_schema import ConfigType, Field, Selector, Shape
from tidewheel.definitions.config.env_var import EnvVar, IntEnvVar
from tidewheel.errors import (
    InvalidDefinitionError,
    InvalidInvocationError,
    InvalidPythonicConfigDefinitionError,
)

_SCALARS: dict[Any, ConfigType] = {
    int: schemas.IntSource,
    str: schemas.StringSource,
    bool: schemas.BoolSource,
    float: schemas.FLOAT,
    Any: schemas.ANY,
}


class Config(pydantic.BaseModel):
    """The base of config classes. Fields are checked; instances cannot be changed."""

    model_config = pydantic.ConfigDict(
        frozen=True, arbitrary_types_allowed=True, validate_default=False, use_enum_values=False
    )

    def __init__(self, **config_dict: Any) -> None:
        """Set the fields; those that may be None need not be given.

        A reference to the environment (``EnvVar``) is kept as it is until a run reads it.
        """
        super().__init__(**_unset_as_none(type(self), config_dict), **config_dict)
        for name, value in config_dict.items():
            if _has_variables(value):
                self.__dict__[_field_name(type(self), name)] = value

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            super().__setattr__(name, value)
        except pydantic.ValidationError:
            raise InvalidInvocationError(
                f"expected {type(self).__name__} to be left unchanged (attribute {name!r}), got a new value; config and "
                "resources cannot be changed, keep state in a PrivateAttr"
            ) from None

    @classmethod
    def __config_type__(cls) -> Shape:
        """The class as a config type."""
        return model_shape(cls)

    @classmethod
    def to_config_schema(cls) -> Field:
        """The class as a schema for ``config_schema=``."""
        own = cls.__dict__.get("__doc__")
        return Field(model_shape(cls), description=own.strip() if own else None)

    @classmethod
    def to_fields_dict(cls) -> dict[str, Field]:
        """The fields of the schema."""
        return dict(model_shape(cls).fields)

    def _convert_to_config_dictionary(self) -> Mapping[str, Any]:
        return config_of(self)

    def _get_non_default_public_field_values(self) -> Mapping[str, Any]:
        return {
            name: getattr(self, name)
            for name, info in type(self).model_fields.items()
            if info.is_required() or getattr(self, name) != info.get_default(call_default_factory=True)
        }


class PermissiveConfig(Config):
    """A config class that takes further entries as well; they become attributes."""

    model_config = pydantic.ConfigDict(extra="allow")


class ModelShape(Shape):
    """A shape that stands for a config class."""

    def __init__(self, model: type[pydantic.BaseModel], fields: Mapping[str, Any]) -> None:
        super().__init__(fields, model.__dict__.get("__doc__"))
        self.model = model
        self.is_permissive = model.model_config.get("extra") == "allow"


class UnionSelector(Selector):
    """A choice between config classes, told apart by the value of one field."""

    def __init__(self, discriminator: str, models: Mapping[str, ModelShape]) -> None:
        super().__init__({key: Field(shape, is_required=None) for key, shape in models.items()})
        self.discriminator = discriminator


_SHAPES: dict[type, ModelShape] = {}


def model_shape(
    model: type[pydantic.BaseModel], *, leave_out: typing.AbstractSet[str] = frozenset()
) -> ModelShape:
    """The shape of a config class; ``leave_out`` names fields that are not config (resources).

    Raises:
        InvalidPythonicConfigDefinitionError: when a field's type cannot be config.
    """
    known = _SHAPES.get(model)
    if known is not None and not leave_out:
        return known
    fields = {
        info.alias or name: _field(model, name, info)
        for name, info in model.model_fields.items()
        if name not in leave_out
    }
    shape = ModelShape(model, fields)
    if not leave_out:
        _SHAPES[model] = shape
    return shape


def _field(model: type, name: str, info: FieldInfo) -> Field:
    kind = config_type_of(info.annotation, owner=f"class {model.__name__!r}, field {name!r}", info=info)
    if info.is_required():
        is_none_allowed = isinstance(kind, schemas.Noneable)
        return Field(kind, description=info.description, is_required=None if is_none_allowed else True)
    if info.default is PydanticUndefined:
        return Field(kind, is_required=False, description=info.description)
    if isinstance(info.default, Field):
        raise InvalidDefinitionError(
            f"class {model.__name__!r}, field {name!r}: expected a value or pydantic's Field(...), got a Field of a "
            "config schema, which is for config_schema= only"
        )
    default = to_config_value(info.default)
    if not isinstance(kind, schemas.Noneable):
        kind = schemas.Noneable(kind)
    if not _is_plain(default):
        return Field(kind, is_required=False, description=info.description)
    field = Field(kind, is_required=False, description=info.description)
    field._default = default  # set past the check: pydantic does not check defaults either
    return field


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (str, int, float, bool))


def config_type_of(annotation: Any, *, owner: str, info: FieldInfo | None = None) -> ConfigType:
    """The config type that an annotation stands for; ``owner`` says in messages where it stands.

    Raises:
        InvalidPythonicConfigDefinitionError: when it cannot be config.
    """
    origin = typing.get_origin(annotation)
    args = typing.get_args(annotation)
    if origin is typing.Annotated:
        inner_info = next((extra for extra in args[1:] if isinstance(extra, FieldInfo)), info)
        return config_type_of(args[0], owner=owner, info=inner_info)
    if isinstance(annotation, typing.Hashable) and annotation in _SCALARS:
        return _SCALARS[annotation]
    if origin in (typing.Union, python_types.UnionType):
        return _union(args, owner, info)
    if origin is typing.Literal:
        if all(isinstance(arg, str) for arg in args):
            return schemas.Enum(f"one of {list(args)}", [schemas.EnumValue(arg) for arg in args])
        return schemas.ANY
    if origin is list or annotation is list:
        return schemas.Array(config_type_of(args[0], owner=owner) if args else schemas.ANY)
    if origin in (dict, typing.Mapping) or origin is Mapping:
        return schemas.Map(args[0], config_type_of(args[1], owner=owner))
    if annotation in (dict, typing.Dict, Mapping, typing.Mapping):  # noqa: UP006 - bare names of the typing module
        return schemas.Permissive()
    if inspect.isclass(annotation):
        if issubclass(annotation, Config):
            return model_shape(annotation)
        if issubclass(annotation, enum.Enum):
            return schemas.Enum.from_python_enum(annotation)
        if annotation in (EnvVar,):
            return schemas.StringSource
    if isinstance(annotation, ConfigType):
        return annotation
    if origin is not None and not inspect.isclass(annotation) and origin in (tuple, set, Sequence):
        raise InvalidDefinitionError(
            f"{owner}: expected a type that run config can hold, got {annotation!r}; use list[...] instead"
        )
    raise InvalidPythonicConfigDefinitionError(
        f"{owner}: expected a type that run config can hold (str, int, float, bool, Any, list, dict, "
        "Optional, Literal of "
        f"texts, an Enum class, a Config class, or a union of Config classes with a discriminator), got {annotation!r}"
    )


def _union(args: tuple[Any, ...], owner: str, info: FieldInfo | None) -> ConfigType:
    inner = tuple(arg for arg in args if arg is not type(None))
    is_optional = len(inner) < len(args)
    if len(inner) == 1:
        return schemas.Noneable(config_type_of(inner[0], owner=owner, info=info))
    discriminator = info.discriminator if info is not None else None
    if not isinstance(discriminator, str):
        raise InvalidPythonicConfigDefinitionError(
            f"{owner}: expected a union of Config classes with Field(discriminator=...), got {inner!r} without one"
        )
    shapes: dict[str, ModelShape] = {}
    for member in inner:
        for key in _discriminator_values(member, discriminator, owner):
            shapes[key] = model_shape(member)
    choice = UnionSelector(discriminator, shapes)
    return schemas.Noneable(choice) if is_optional else choice


def _discriminator_values(member: Any, discriminator: str, owner: str) -> list[str]:
    if (
        not (inspect.isclass(member) and issubclass(member, Config))
        or discriminator not in member.model_fields
    ):
        raise InvalidPythonicConfigDefinitionError(
            f"{owner}: expected every member of the union to be a Config class with a field "
            f"{discriminator!r}, got {member!r}"
        )
    values = typing.get_args(member.model_fields[discriminator].annotation)
    return [value.value if isinstance(value, enum.Enum) else str(value) for value in values]


def make_config(kind: ConfigType, value: Any) -> Any:
    """The Python value of a checked config value: instances for shapes of config classes."""
    if value is None:
        return None
    if isinstance(kind, schemas.Noneable):
        return make_config(kind.inner_type, value)
    if isinstance(kind, ModelShape):
        return kind.model(**model_arguments(kind, value))
    if isinstance(kind, UnionSelector):
        key, content = next(iter(value.items()))
        shape = kind.fields[key].config_type
        made = make_config(shape, {**content, kind.discriminator: content.get(kind.discriminator, key)})
        return made
    if isinstance(kind, schemas.Array):
        return [make_config(kind.inner_type, item) for item in value]
    if isinstance(kind, schemas.Map):
        return {key: make_config(kind.inner_type, item) for key, item in value.items()}
    return value


def model_arguments(shape: ModelShape, value: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments with which a config class takes a checked config value."""
    arguments: dict[str, Any] = {}
    defaults = _plain_defaults(shape.model)
    for name, item in value.items():
        if _is_default(defaults, name, item):
            continue  # pydantic takes a default as it is, and would check and convert an argument
        field = shape.fields.get(name)
        made = make_config(field.config_type, item) if field is not None else item
        arguments[name] = made
    for name in value.keys() & shape.model.model_fields.keys() - shape.fields.keys():
        # a class that takes further entries was given a field by its name, not by its alias
        arguments[shape.model.model_fields[name].alias or name] = arguments.pop(name)
    return arguments


@functools.cache
def _plain_defaults(model: type[pydantic.BaseModel]) -> dict[str, Any]:
    """Defaults of fields by config name, those that are plain values."""
    return {
        info.alias or name: info.default
        for name, info in model.model_fields.items()
        if info.default is None or isinstance(info.default, (str, int, float, bool))
    }


def _is_default(defaults: Mapping[str, Any], name: str, item: Any) -> bool:
    if name not in defaults:
        return False
    default = defaults[name]
    same_kind = type(item) is type(default) or {type(item), type(default)} == {int, float}
    return same_kind and bool(item == default)


def config_of(
    config: pydantic.BaseModel, *, leave_out: typing.AbstractSet[str] = frozenset()
) -> dict[str, Any]:
    """A config instance as plain config; fields that are None, as they are by default, are left out."""
    result: dict[str, Any] = {}
    cls = type(config)
    for name, info in cls.model_fields.items():
        if name in leave_out:
            continue
        value = getattr(config, name, None)
        if (
            value is not None
            or info.is_required()
            or info.get_default(call_default_factory=False) is not None
        ):
            result[info.alias or name] = _field_value(info, value)
    for name, value in (config.model_extra or {}).items():
        result[name] = to_config_value(value)
    return result


def _field_value(info: FieldInfo, value: Any) -> Any:
    if info.discriminator is not None and isinstance(value, pydantic.BaseModel):
        content = config_of(value)
        key = content.pop(str(info.discriminator), None)
        return {key: content}
    return to_config_value(value)


def to_config_value(value: Any) -> Any:
    """A Python value as plain config: config classes as dicts, enum members as names, references to the environment."""
    if isinstance(value, (EnvVar, IntEnvVar)):
        return {"env": value.env_var_name}
    if isinstance(value, Config):
        return config_of(value)
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, Mapping):
        return {key: to_config_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_config_value(item) for item in value]
    return value


def _has_variables(value: Any) -> bool:
    """Whether a value is, or holds at any depth, a reference to the environment."""
    if isinstance(value, (EnvVar, IntEnvVar)):
        return True
    if isinstance(value, Mapping):
        return any(_has_variables(item) for item in value.values())
    return isinstance(value, (list, tuple)) and any(_has_variables(item) for item in value)


def _unset_as_none(cls: type[pydantic.BaseModel], given: Mapping[str, Any]) -> dict[str, None]:
    """None for the fields without a default that may be None and are not given."""
    return {
        info.alias or name: None
        for name, info in cls.model_fields.items()
        if (info.alias or name) not in given
        and not (name in given and cls.model_config.get("populate_by_name"))
        and info.is_required()
        and _takes_none(info)
    }


def _takes_none(info: FieldInfo) -> bool:
    kind = info.annotation
    return typing.get_origin(kind) in (typing.Union, python_types.UnionType) and type(
        None
    ) in typing.get_args(kind)


def _field_name(cls: type[pydantic.BaseModel], key: str) -> str:
    if key in cls.model_fields:
        return key
    return next((name for name, info in cls.model_fields.items() if info.alias == key), key)


def is_config_class(value: Any) -> bool:
    """Whether a value is a config class."""
    return inspect.isclass(value) and issubclass(value, Config)


def schema_of_annotation(annotation: Any, *, owner: str, default: Any = inspect.Parameter.empty) -> Field:
    """The schema of a ``config`` parameter.

    Raises:
        InvalidPythonicConfigDefinitionError: when its annotation cannot be config (or is missing).
    """
    if annotation is inspect.Parameter.empty:
        raise InvalidPythonicConfigDefinitionError(
            f"{owner}: expected the parameter 'config' to be annotated with a Config class or a type "
            "such as int or dict, "
            "got no annotation"
        )
    kind = config_type_of(annotation, owner=owner)
    if default is inspect.Parameter.empty:
        return Field(kind)
    return Field(kind, default_value=to_config_value(default))
