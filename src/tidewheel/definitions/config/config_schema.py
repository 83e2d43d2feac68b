"""Config schemas as values: what shapes run config may have (``Field``, ``Shape``, ``Selector``, ``Noneable`` ...).

Any place that takes a schema takes its short forms too: Python's ``int``/``str``/..., a dict of fields, a one-element
list. Checking a value against a schema is ``config_validation``.
"""

from __future__ import annotations

import enum
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidewheel.definitions.ops import scalars
from tidewheel.errors import InvalidConfigDefinitionError, InvalidDefinitionError, ParameterCheckError


class _Unset:
    def __repr__(self) -> str:
        return "<not given>"


UNSET: Any = _Unset()


class ConfigType:
    """The base of all config types; ``given_name`` is shown in messages."""

    given_name: str | None = None
    description: str | None = None

    def describe(self) -> str:
        """The type in one line, as messages print it."""
        return self.given_name or type(self).__name__

    @property
    def implicit_default(self) -> Any:
        """The value that stands for "not given", or ``UNSET`` when a value must be given."""
        return UNSET

    def __repr__(self) -> str:
        return self.describe()


class AnyConfig(ConfigType):
    """Any value, unchecked; missing is ``None``."""

    given_name = "Any"

    @property
    def implicit_default(self) -> Any:
        """None."""
        return None


class ScalarConfig(ConfigType):
    """A scalar of one Python type."""

    def __init__(self, name: str, python_type: type, *, from_env: bool = False) -> None:
        self.given_name = name
        self.python_type = python_type
        self.from_env = from_env

    def describe(self) -> str:
        """``Int``, or ``Int or {env: NAME}`` for those that may come from the environment."""
        return f"({self.given_name} | {{env: String}})" if self.from_env else str(self.given_name)

    def accepts(self, value: Any) -> bool:
        """Whether a plain value is of the type. A bool is not a number, a whole number is a float."""
        if self.python_type is float:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        if self.python_type is int:
            return isinstance(value, int) and not isinstance(value, bool)
        return isinstance(value, self.python_type)

    def __call__(self, *args: Any) -> Any:
        """Lets the type stand inside ``typing`` generics, which demand something callable."""
        raise TypeError(f"{self.given_name} is a config type and cannot be called")


STRING = ScalarConfig("String", str)
INT = ScalarConfig("Int", int)
FLOAT = ScalarConfig("Float", float)
BOOL = ScalarConfig("Bool", bool)
ANY = AnyConfig()
StringSource = ScalarConfig("String", str, from_env=True)
IntSource = ScalarConfig("Int", int, from_env=True)
BoolSource = ScalarConfig("Bool", bool, from_env=True)
FloatSource = ScalarConfig("Float", float, from_env=True)


class Noneable(ConfigType):
    """A value of the inner type, or ``None``."""

    def __init__(self, inner_type: Any) -> None:
        self.inner_type = to_config_type(inner_type)

    def describe(self) -> str:
        """``Int?``."""
        return f"{self.inner_type.describe()}?"

    @property
    def implicit_default(self) -> Any:
        """None."""
        return None


class Array(ConfigType):
    """A list of values of one type."""

    def __init__(self, inner_type: Any) -> None:
        if isinstance(inner_type, Field):
            raise ParameterCheckError(
                f"expected a config type inside Array, got {inner_type!r}; drop the Field around it"
            )
        self.inner_type = to_config_type(inner_type)

    def describe(self) -> str:
        """``[Int]``."""
        return f"[{self.inner_type.describe()}]"


class Map(ConfigType):
    """A dict with keys of one scalar type and values of one type."""

    def __init__(self, key_type: Any, inner_type: Any, key_label_name: str | None = None) -> None:
        if isinstance(inner_type, Field):
            raise ParameterCheckError(
                f"expected a config type inside Map, got {inner_type!r}; drop the Field around it"
            )
        self.key_type = to_config_type(key_type)
        self.inner_type = to_config_type(inner_type)
        self.key_label_name = key_label_name

    def describe(self) -> str:
        """``{[String]: Int}``."""
        label = f"{self.key_label_name}: " if self.key_label_name else ""
        return f"{{[{label}{self.key_type.describe()}]: {self.inner_type.describe()}}}"


class Shape(ConfigType):
    """A dict with exactly these fields. ``field_aliases``: field name → name used in config."""

    is_permissive = False

    def __init__(
        self,
        fields: Mapping[str, Any],
        description: str | None = None,
        field_aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.fields = {name: to_field(field, path=(name,)) for name, field in fields.items()}
        self.description = description
        self.field_aliases = dict(field_aliases or {})

    def describe(self) -> str:
        """``{ a: Int, b?: String }``."""
        parts = [
            f"{n}{'' if f.is_required else '?'}: {f.config_type.describe()}" for n, f in self.fields.items()
        ]
        if self.is_permissive:
            parts.append("...")
        return "{ " + ", ".join(parts) + " }" if parts else "{}"

    @property
    def implicit_default(self) -> Any:
        """The empty dict when no field has to be given."""
        return UNSET if any(field.is_required for field in self.fields.values()) else {}


class Permissive(Shape):
    """A dict with these fields and any others."""

    is_permissive = True

    def __init__(self, fields: Mapping[str, Any] | None = None, description: str | None = None) -> None:
        super().__init__(fields or {}, description)


class Selector(ConfigType):
    """A dict with exactly one of these fields."""

    def __init__(self, fields: Mapping[str, Any], description: str | None = None) -> None:
        self.fields = {name: to_field(field, path=(name,)) for name, field in fields.items()}
        self.description = description

    def describe(self) -> str:
        """``{ a: Int } | { b: String }``."""
        return " | ".join(f"{{ {n}: {f.config_type.describe()} }}" for n, f in self.fields.items()) or "{}"

    @property
    def implicit_default(self) -> Any:
        """The only field's default, when there is one field and it has one."""
        if len(self.fields) == 1:
            name, field = next(iter(self.fields.items()))
            if not field.is_required:
                return {name: field.default_value} if field.default_provided else {name: {}}
        return UNSET


class EnumValue:
    """One choice of an ``Enum``: its text in config and what it stands for in Python (the text itself by default)."""

    def __init__(self, config_value: str, python_value: Any = None, description: str | None = None) -> None:
        if not isinstance(config_value, str):
            raise ParameterCheckError(
                f"expected an enum value's config_value as a string, got {config_value!r}"
            )
        self.config_value = config_value
        self.python_value = config_value if python_value is None else python_value
        self.description = description


class Enum(ConfigType):
    """One of several texts."""

    def __init__(self, name: str, enum_values: Sequence[EnumValue]) -> None:
        self.given_name = name
        self.enum_values = list(enum_values)
        self._by_config = {value.config_value: value for value in self.enum_values}

    @property
    def config_values(self) -> list[str]:
        """The texts that config may hold."""
        return [value.config_value for value in self.enum_values]

    def to_python_value(self, config_value: str) -> Any:
        """What a text stands for; KeyError when it is none of the choices."""
        return self._by_config[config_value].python_value

    @classmethod
    def from_python_enum(cls, enum: type[enum.Enum], name: str | None = None) -> Enum:
        """The members' names as choices, each standing for the member."""
        return cls(name or enum.__name__, [EnumValue(member.name, python_value=member) for member in enum])

    @classmethod
    def from_python_enum_direct_values(cls, enum: type[enum.Enum], name: str | None = None) -> Enum:
        """The members' values (texts) as choices, each standing for itself."""
        return cls(name or enum.__name__, [EnumValue(member.value) for member in enum])


class ScalarUnion(ConfigType):
    """A scalar, or a value of another, non-scalar type."""

    def __init__(self, scalar_type: Any, non_scalar_schema: Any, _key: str | None = None) -> None:
        self.scalar_type = to_config_type(scalar_type)
        self.non_scalar_type = to_config_type(non_scalar_schema)

    def describe(self) -> str:
        """``(String | { a: Int })``."""
        return f"({self.scalar_type.describe()} | {self.non_scalar_type.describe()})"


class Field:
    """A config type with what is said of it in its place: default, whether it must be given, description, secrecy."""

    def __init__(
        self,
        config: Any,
        default_value: Any = UNSET,
        is_required: bool | None = None,
        description: str | None = None,
        is_secret: bool = False,
    ) -> None:
        self.config_type = to_config_type(config)
        self.description = description
        self.is_secret = is_secret
        if is_required and default_value is not UNSET:
            raise ParameterCheckError(
                f"expected a field to be required or to have a default, got both (default {default_value!r}); drop one"
            )
        if default_value is not UNSET:
            self._check_default(default_value)
        elif is_required is None:
            default_value = self.config_type.implicit_default
        self._default = default_value
        self.is_required = bool(is_required) if is_required is not None else default_value is UNSET

    def _check_default(self, value: Any) -> None:
        if isinstance(self.config_type, Enum) and isinstance(value, enum.Enum):
            raise InvalidDefinitionError(
                f"expected the default of enum {self.config_type.given_name!r} as text, one of "
                f"{self.config_type.config_values!r}, got {value!r}; pass its name"
            )
        # Imported by name: checking needs the schema's classes, and a default is checked while they are made.
        from tidewheel.definitions.config.config_validation import check_default  # noqa: PLC0415

        check_default(self.config_type, value)

    def as_field(self) -> Field:
        """This field."""
        return self

    @property
    def default_provided(self) -> bool:
        """Whether there is a default."""
        return self._default is not UNSET

    @property
    def default_value(self) -> Any:
        """The default.

        Raises:
            CheckError: when there is none.
        """
        if self._default is UNSET:
            raise ParameterCheckError(
                "expected the field to have a default, got none; ask default_provided first"
            )
        return self._default

    @property
    def default_value_as_json_str(self) -> str:
        """The default as JSON text."""
        import json  # noqa: PLC0415 - only for showing

        return json.dumps(self.default_value)

    def __repr__(self) -> str:
        default = f", default={self._default!r}" if self.default_provided else ""
        return f"Field({self.config_type.describe()}{default}, is_required={self.is_required})"


_PYTHON_TYPES: dict[Any, Callable[[], ConfigType]] = {
    int: lambda: INT,
    str: lambda: STRING,
    float: lambda: FLOAT,
    bool: lambda: BOOL,
    scalars.Int: lambda: INT,
    scalars.String: lambda: STRING,
    scalars.Float: lambda: FLOAT,
    scalars.Bool: lambda: BOOL,
    typing.Any: lambda: ANY,
    dict: lambda: Permissive(),
    list: lambda: Array(ANY),
}


def to_config_type(raw: Any, *, root: Any = UNSET, path: tuple[str, ...] = ()) -> ConfigType:
    """The config type of any of its forms.

    Raises:
        InvalidConfigDefinitionError: when the value is no schema; the message shows the whole schema and the place.
        InvalidDefinitionError: for types of the ``typing`` module.
    """
    root = raw if root is UNSET else root
    if isinstance(raw, ConfigType):
        return raw
    if isinstance(raw, Field):
        return raw.config_type
    if inspect.isclass(raw) and issubclass(raw, ConfigType):
        return _bare_class(raw)
    try:
        known = _PYTHON_TYPES.get(raw)
    except TypeError:
        known = None
    if known is not None:
        return known()
    if isinstance(raw, Mapping):
        return _mapping_type(raw, root, path)
    if isinstance(raw, list):
        if len(raw) != 1:
            _refuse(
                root, path, raw, "a list in a schema has exactly one element, the type of all its members"
            )
        return Array(to_config_type(raw[0], root=root, path=path))
    return _special_type(raw, root, path)


def _bare_class(raw: type[ConfigType]) -> ConfigType:
    if raw is Permissive:
        return Permissive()
    raise InvalidDefinitionError(
        f"expected an instance of {raw.__name__} in a config schema, got the class; write {raw.__name__}(...)"
    )


def _mapping_type(raw: Mapping[Any, Any], root: Any, path: tuple[str, ...]) -> ConfigType:
    if len(raw) == 1:
        key, value = next(iter(raw.items()))
        if not isinstance(key, str):
            if not (inspect.isclass(key) or isinstance(key, ConfigType)):
                _refuse(root, path, raw, "the key of a map is a scalar type")
            return Map(key, to_config_type(value, root=root, path=path))
    fields = {}
    for name, value in raw.items():
        if not isinstance(name, str):
            _refuse(root, path, raw, f"field names are strings, got {name!r}")
        fields[name] = to_field(value, root=root, path=(*path, name))
    return Shape(fields)


def _special_type(raw: Any, root: Any, path: tuple[str, ...]) -> ConfigType:
    converted = getattr(raw, "__config_type__", None)  # a Config class (definitions.pythonic_config)
    if callable(converted):
        result: ConfigType = converted()
        return result
    if typing.get_origin(raw) is not None or getattr(raw, "__module__", "") == "typing":
        raise InvalidDefinitionError(
            f"expected a config type, got {raw!r} of the typing module; use a list ([int]), Noneable(...) for None, "
            "Field(..., is_required=False) for what may be missing, or a Config class"
        )
    if inspect.isclass(raw) and issubclass(raw, enum.Enum):
        _refuse(root, path, raw, "use Enum.from_python_enum")
    if hasattr(raw, "type_check") and hasattr(raw, "unique_name"):
        raise InvalidDefinitionError(
            f"expected a config type, got the type of inputs and outputs {raw!r}; use Array, Noneable, Shape or the like"
        )
    return _refuse(root, path, raw, None)


def _refuse(root: Any, path: tuple[str, ...], raw: Any, reason: str | None) -> typing.NoReturn:
    where = f" at {':'.join(path)}" if path else ""
    raise InvalidConfigDefinitionError(
        f"expected a config schema (a Field, str, int, float, bool, list, dict, Any, a config type such as Array, Map, "
        f"Selector, Shape, Noneable, a dict of fields, or a list of one type), got {raw!r}{where}"
        + (f": {reason}" if reason else "")
        + (f"; the whole schema is {root!r}" if path else "")
    )


def to_field(raw: Any, *, root: Any = UNSET, path: tuple[str, ...] = ()) -> Field:
    """The field of any of its forms; a bare type becomes a field without further properties."""
    if isinstance(raw, Field):
        return raw
    return Field(to_config_type(raw, root=root, path=path))


def to_optional_field(raw: Any) -> Field | None:
    """As ``to_field``; ``None`` stays ``None``."""
    return None if raw is None else to_field(raw)


class ConfigSchema:
    """Everything that may be given as a ``config_schema``. For annotations; there is nothing to make of it."""

    def __init__(self) -> None:
        raise NotImplementedError(
            "ConfigSchema: expected to be used in annotations, got a call; pass a Field, a dict of fields or a type"
        )
