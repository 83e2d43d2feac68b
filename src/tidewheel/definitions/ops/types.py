"""Types of inputs and outputs: checks on values at run time, and how plain Python types stand for them.

``RuntimeType`` is what Dagster calls ``DagsterType``. Python annotations are resolved to it: classes check with
``isinstance``, ``Optional``/``List``/``Dict``/``Set``/``Tuple`` check their members; other generics are refused.
"""

from __future__ import annotations

import collections.abc
import inspect
import types as python_types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from tidewheel.definitions.assets.results import (
    NO_VALUE,
    DynamicOutput,
    MaterializeResult,
    ObserveResult,
    Output,
    TypeCheck,
)
from tidewheel.definitions.config.config_schema import (
    Array,
    ConfigType,
    Field,
    Map,
    Noneable,
    Permissive,
    ScalarUnion,
    Selector,
    to_config_type,
)
from tidewheel.definitions.ops import scalars
from tidewheel.errors import (
    InvalidDefinitionError,
    InvariantViolationError,
    ParameterCheckError,
)
from tidewheel.values.metadata import typed_metadata


class RuntimeTypeKind(Enum):
    """How a type is built."""

    ANY = "ANY"
    SCALAR = "SCALAR"
    LIST = "LIST"
    NOTHING = "NOTHING"
    NULLABLE = "NULLABLE"
    REGULAR = "REGULAR"


class RuntimeTypeLoader:
    """Makes a value of a type from run config; subclass and implement ``construct_from_config_value``."""

    @property
    def schema_type(self) -> ConfigType:
        """The config that it takes."""
        raise NotImplementedError

    def construct_from_config_value(self, context: Any, config_value: Any) -> Any:
        """The value that a config value stands for."""
        return config_value

    def required_resource_keys(self) -> frozenset[str]:
        """Resources that loading needs."""
        return frozenset()


class FunctionTypeLoader(RuntimeTypeLoader):
    """A loader made of a function ``(context, config value) -> value``."""

    def __init__(self, schema: Any, fn: Callable[[Any, Any], Any], resource_keys: frozenset[str]) -> None:
        self._schema = to_config_type(schema)
        self.fn = fn
        self._resource_keys = resource_keys

    @property
    def schema_type(self) -> ConfigType:
        """The config that it takes."""
        return self._schema

    def construct_from_config_value(self, context: Any, config_value: Any) -> Any:
        """Calls the function."""
        return self.fn(context, config_value)

    def required_resource_keys(self) -> frozenset[str]:
        """Resources that loading needs."""
        return self._resource_keys


def runtime_type_loader(
    config_schema: Any, required_resource_keys: typing.AbstractSet[str] | None = None
) -> Callable[[Callable[[Any, Any], Any]], FunctionTypeLoader]:
    """Decorate a function ``(context, config value)`` as a loader of a type."""

    def decorate(fn: Callable[[Any, Any], Any]) -> FunctionTypeLoader:
        return FunctionTypeLoader(config_schema, fn, frozenset(required_resource_keys or ()))

    return decorate


class RuntimeType:
    """A named check on values. ``type_check_fn(context, value)`` returns a truth value or a ``TypeCheck``."""

    def __init__(
        self,
        type_check_fn: Callable[[Any, Any], bool | TypeCheck],
        key: str | None = None,
        name: str | None = None,
        is_builtin: bool = False,
        description: str | None = None,
        loader: RuntimeTypeLoader | None = None,
        required_resource_keys: typing.AbstractSet[str] | None = None,
        kind: RuntimeTypeKind = RuntimeTypeKind.REGULAR,
        typing_type: Any = Any,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(type_check_fn):
            raise ParameterCheckError(f"expected type_check_fn as a function, got {type_check_fn!r}")
        if key is None and name is None:
            raise ParameterCheckError("expected a type to have a name or a key, got neither; pass name=")
        self._check = type_check_fn
        self.key = key if key is not None else str(name)
        self._name = name
        self.is_builtin = is_builtin
        self._description = description
        self._loader = loader
        self._required_resource_keys = frozenset(required_resource_keys or ())
        self.kind = kind
        self._typing_type = typing_type
        self._metadata = typed_metadata(metadata)
        self.accepts_everything = False

    def type_check(self, context: Any, value: object) -> TypeCheck:
        """Check a value.

        Raises:
            InvariantViolationError: when the check function returns something else than a bool or ``TypeCheck``.
        """
        outcome = self._check(context, value)
        if isinstance(outcome, TypeCheck):
            return outcome
        if isinstance(outcome, bool):
            return TypeCheck(outcome)
        raise InvariantViolationError(
            f"expected the check of type {self.display_name!r} to return a bool or TypeCheck, got {outcome!r}"
        )

    @property
    def display_name(self) -> str:
        """The name as it is shown."""
        return self._name if self._name is not None else self.key

    @property
    def unique_name(self) -> str:
        """The name.

        Raises:
            ParameterCheckError: when the type has none.
        """
        if self._name is None:
            raise ParameterCheckError(f"expected type {self.key!r} to have a name, got none")
        return self._name

    @property
    def has_unique_name(self) -> bool:
        """Whether the type has a name of its own."""
        return self._name is not None

    @property
    def description(self) -> str | None:
        """What the type is."""
        return self._description

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Typed metadata."""
        return self._metadata

    @property
    def loader(self) -> RuntimeTypeLoader | None:
        """What makes values from run config, if anything does."""
        return self._loader

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """Resources that checking needs."""
        return self._required_resource_keys

    @property
    def typing_type(self) -> Any:
        """The Python type."""
        return self._typing_type

    @property
    def is_nothing(self) -> bool:
        """Whether no value belongs to it."""
        return self.kind is RuntimeTypeKind.NOTHING

    @property
    def supports_fan_in(self) -> bool:
        """Whether a list of outputs may be connected to an input of the type."""
        return False

    @property
    def inner_type_for_fan_in(self) -> RuntimeType:
        """The type of the members of a list of outputs.

        Raises:
            InvariantViolationError: when the type takes no list.
        """
        raise InvariantViolationError(f"expected a list type, got {self.display_name!r}")

    @property
    def inner_types(self) -> list[RuntimeType]:
        """The types it is made of."""
        return []

    def __repr__(self) -> str:
        return f"<type {self.display_name}>"


class AnyType(RuntimeType):
    """Takes every value."""

    def __init__(self) -> None:
        super().__init__(_accept, key="Any", name="Any", is_builtin=True, kind=RuntimeTypeKind.ANY)
        self.accepts_everything = True
        self._loader = FunctionTypeLoader(_any_input_schema(), _load_scalar, frozenset())

    @property
    def supports_fan_in(self) -> bool:
        """Yes."""
        return True

    @property
    def inner_type_for_fan_in(self) -> RuntimeType:
        """Any."""
        return self


def _accept(_context: Any, _value: Any) -> bool:
    return True


def _any_input_schema() -> ConfigType:
    file = Field({"path": str})
    return Selector({"value": Field(Any), "json": file, "pickle": file})


def _scalar_schema(python_type: type) -> ConfigType:
    file = Field({"path": str})
    return ScalarUnion(python_type, Selector({"value": Field(python_type), "json": file, "pickle": file}))


def _load_scalar(_context: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    form, content = next(iter(value.items()))
    if form == "value":
        return content
    import json  # noqa: PLC0415 - rarely used
    import pickle  # noqa: PLC0415

    with open(content["path"], "rb") as handle:
        return json.load(handle)["value"] if form == "json" else pickle.load(handle)


class ScalarType(RuntimeType):
    """A built-in scalar, which can also come from run config."""

    def __init__(self, name: str, python_type: type) -> None:
        super().__init__(
            _scalar_check(name, python_type),
            key=name,
            name=name,
            is_builtin=True,
            kind=RuntimeTypeKind.SCALAR,
            typing_type=python_type,
            loader=FunctionTypeLoader(_scalar_schema(python_type), _load_scalar, frozenset()),
        )


def _scalar_check(name: str, python_type: type) -> Callable[[Any, Any], TypeCheck]:
    passed = TypeCheck(True)

    def check(_context: Any, value: Any) -> TypeCheck:
        if isinstance(value, python_type):
            return passed
        return TypeCheck(False, f"expected {name}, got {value!r} ({type(value).__name__})")

    return check


class NothingType(RuntimeType):
    """No value belongs to it."""

    def __init__(self) -> None:
        super().__init__(
            _nothing_check,
            key="Nothing",
            name="Nothing",
            is_builtin=True,
            kind=RuntimeTypeKind.NOTHING,
            typing_type=type(None),
        )

    @property
    def supports_fan_in(self) -> bool:
        """Yes: several things can be waited for."""
        return True

    @property
    def inner_type_for_fan_in(self) -> RuntimeType:
        """Nothing."""
        return self


def _nothing_check(_context: Any, value: Any) -> TypeCheck:
    if value is None or value is NO_VALUE:
        return TypeCheck(True)
    return TypeCheck(False, f"expected no value, got {value!r} ({type(value).__name__})")


class PythonObjectType(RuntimeType):
    """Instances of a Python class (or of one of several)."""

    def __init__(
        self,
        python_type: type | tuple[type, ...],
        key: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(python_type, tuple):
            label = f"Union[{', '.join(kind.__name__ for kind in python_type)}]"
            typing_type: Any = typing.Union[python_type]
        else:
            if not inspect.isclass(python_type):
                raise ParameterCheckError(
                    f"expected python_type as a class or tuple of classes, got {python_type!r}"
                )
            label = python_type.__name__
            typing_type = python_type
        self.python_type = python_type
        self.type_str = label
        super().__init__(
            self._is_instance,
            key=key if key is not None else (name if name is not None else label),
            name=name if name is not None else label,
            typing_type=typing_type,
            **kwargs,
        )

    def _is_instance(self, _context: Any, value: Any) -> TypeCheck:
        try:
            fits = isinstance(value, self.python_type)
        except TypeError:  # a TypedDict or protocol that cannot be checked
            fits = isinstance(value, dict) if _is_typed_dict(self.python_type) else True
        if fits:
            return TypeCheck(True)
        return TypeCheck(
            False, f"expected an instance of {self.type_str}, got {value!r} ({type(value).__name__})"
        )


def _is_typed_dict(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, dict) and hasattr(kind, "__total__")


class OptionalType(RuntimeType):
    """The inner type, or None."""

    def __init__(self, inner: RuntimeType) -> None:
        if inner.is_nothing:
            raise InvalidDefinitionError("expected a type with values inside Optional, got Nothing")
        super().__init__(
            self._check_optional,
            key=f"Optional.{inner.key}",
            kind=RuntimeTypeKind.NULLABLE,
            typing_type=typing.Optional[inner.typing_type],
            loader=_inner_loader(inner),
        )
        self.inner_type = inner

    def _check_optional(self, context: Any, value: Any) -> TypeCheck:
        return TypeCheck(True) if value is None else self.inner_type.type_check(context, value)

    @property
    def display_name(self) -> str:
        """``Int?``."""
        return f"{self.inner_type.display_name}?"

    @property
    def supports_fan_in(self) -> bool:
        """As the inner type."""
        return self.inner_type.supports_fan_in

    @property
    def inner_type_for_fan_in(self) -> RuntimeType:
        """As the inner type."""
        return self.inner_type.inner_type_for_fan_in

    @property
    def inner_types(self) -> list[RuntimeType]:
        """The inner type."""
        return [self.inner_type]


def _inner_loader(inner: RuntimeType) -> RuntimeTypeLoader | None:
    loader = inner.loader
    if loader is None:
        return None

    def load(context: Any, value: Any) -> Any:
        return None if value is None else loader.construct_from_config_value(context, value)

    return FunctionTypeLoader(Noneable(loader.schema_type), load, loader.required_resource_keys())


class ListType(RuntimeType):
    """A list whose members are all of one type."""

    def __init__(self, inner: RuntimeType) -> None:
        super().__init__(
            self._check_list,
            key=f"List.{inner.key}",
            kind=RuntimeTypeKind.LIST,
            typing_type=list[inner.typing_type],  # type: ignore[name-defined]
            loader=_list_loader(inner),
        )
        self.inner_type = inner

    def _check_list(self, context: Any, value: Any) -> TypeCheck:
        if not isinstance(value, list):
            return TypeCheck(False, f"expected a list, got {value!r} ({type(value).__name__})")
        return _check_members(context, self.inner_type, value)

    @property
    def display_name(self) -> str:
        """``[Int]``."""
        return f"[{self.inner_type.display_name}]"

    @property
    def supports_fan_in(self) -> bool:
        """Yes."""
        return True

    @property
    def inner_type_for_fan_in(self) -> RuntimeType:
        """The members' type."""
        return self.inner_type

    @property
    def inner_types(self) -> list[RuntimeType]:
        """The members' type."""
        return [self.inner_type]


def _list_loader(inner: RuntimeType, gather: Callable[[Any], Any] = list) -> RuntimeTypeLoader | None:
    loader = inner.loader
    if loader is None:
        return None

    def load(context: Any, value: Any) -> Any:
        return gather(loader.construct_from_config_value(context, item) for item in value)

    return FunctionTypeLoader(Array(loader.schema_type), load, loader.required_resource_keys())


def _check_members(context: Any, inner: RuntimeType, members: Any) -> TypeCheck:
    if inner.accepts_everything:
        return TypeCheck(True)
    for member in members:
        outcome = inner.type_check(context, member)
        if not outcome.success:
            return outcome
    return TypeCheck(True)


class SetType(RuntimeType):
    """A set whose members are all of one type."""

    def __init__(self, inner: RuntimeType) -> None:
        super().__init__(
            self._check_set, key=f"Set.{inner.key}", typing_type=set, loader=_list_loader(inner, set)
        )
        self.inner_type = inner

    @property
    def inner_types(self) -> list[RuntimeType]:
        """The members' type, and what that is made of."""
        return _with_inner(self.inner_type)

    def _check_set(self, context: Any, value: Any) -> TypeCheck:
        if not isinstance(value, set):
            return TypeCheck(False, f"expected a set, got {value!r} ({type(value).__name__})")
        return _check_members(context, self.inner_type, value)

    @property
    def display_name(self) -> str:
        """``Set[Int]``."""
        return f"Set[{self.inner_type.display_name}]"


class TupleType(RuntimeType):
    """A tuple with one type for each place."""

    def __init__(self, members: list[RuntimeType]) -> None:
        super().__init__(
            self._check_tuple,
            key=f"Tuple.{'.'.join(m.key for m in members)}",
            typing_type=tuple,
            loader=_tuple_loader(members),
        )
        self.members = members

    @property
    def inner_types(self) -> list[RuntimeType]:
        """The members' types, and what those are made of."""
        return _with_inner(*self.members)

    def _check_tuple(self, context: Any, value: Any) -> TypeCheck:
        if not isinstance(value, tuple):
            return TypeCheck(False, f"expected a tuple, got {value!r} ({type(value).__name__})")
        if len(value) != len(self.members):
            return TypeCheck(False, f"expected a tuple of {len(self.members)} members, got {len(value)}")
        for member, kind in zip(value, self.members, strict=True):
            outcome = kind.type_check(context, member)
            if not outcome.success:
                return outcome
        return TypeCheck(True)

    @property
    def display_name(self) -> str:
        """``Tuple[Int,String]``."""
        return f"Tuple[{','.join(m.display_name for m in self.members)}]"


def _with_inner(*members: RuntimeType) -> list[RuntimeType]:
    return [found for member in members for found in (member, *member.inner_types)]


def _as_given(_context: Any, value: Any) -> Any:
    return value


def _dict_loader(key_type: RuntimeType, value_type: RuntimeType) -> RuntimeTypeLoader | None:
    """A dict from run config, its values loaded one by one."""
    if key_type.accepts_everything and value_type.accepts_everything:
        return FunctionTypeLoader(Permissive(), _as_given, frozenset())
    loader = value_type.loader
    if loader is None or key_type.typing_type not in (str, int, float, bool):
        return None

    def load(context: Any, value: Any) -> Any:
        return {key: loader.construct_from_config_value(context, item) for key, item in value.items()}

    schema = Map(key_type.typing_type, loader.schema_type)
    return FunctionTypeLoader(schema, load, loader.required_resource_keys())


def _tuple_loader(members: list[RuntimeType]) -> RuntimeTypeLoader | None:
    """A tuple from a list in run config, each place loaded as its own type."""
    loaders = [member.loader for member in members]
    known = [loader for loader in loaders if loader is not None]
    if len(known) < len(members):
        return None

    def load(context: Any, value: Any) -> Any:
        if len(value) != len(known):
            raise InvariantViolationError(f"expected {len(known)} values for a tuple, got {len(value)}")
        return tuple(
            loader.construct_from_config_value(context, item)
            for loader, item in zip(known, value, strict=True)
        )

    return FunctionTypeLoader(
        Array(Any), load, frozenset().union(*(one.required_resource_keys() for one in known))
    )


class DictType(RuntimeType):
    """A dict whose keys are all of one type, and its values of another."""

    def __init__(self, key_type: RuntimeType, value_type: RuntimeType) -> None:
        super().__init__(
            self._check_dict,
            key=f"Dict.{key_type.key}.{value_type.key}",
            typing_type=dict,
            loader=_dict_loader(key_type, value_type),
        )
        self.key_type = key_type
        self.value_type = value_type

    @property
    def inner_types(self) -> list[RuntimeType]:
        """The types of keys and values, and what those are made of."""
        return _with_inner(self.key_type, self.value_type)

    def _check_dict(self, context: Any, value: Any) -> TypeCheck:
        if not isinstance(value, dict):
            return TypeCheck(False, f"expected a dict, got {value!r} ({type(value).__name__})")
        keys = _check_members(context, self.key_type, value)
        return keys if not keys.success else _check_members(context, self.value_type, value.values())

    @property
    def display_name(self) -> str:
        """``Dict[String,Int]``."""
        return f"Dict[{self.key_type.display_name},{self.value_type.display_name}]"


ANY_TYPE = AnyType()
_ANY_DICT = PythonObjectType(dict, loader=FunctionTypeLoader(Permissive(), _as_given, frozenset()))
NOTHING_TYPE = NothingType()
STRING_TYPE = ScalarType("String", str)
INT_TYPE = ScalarType("Int", int)
FLOAT_TYPE = ScalarType("Float", float)
BOOL_TYPE = ScalarType("Bool", bool)

_KNOWN: dict[Any, RuntimeType] = {
    Any: ANY_TYPE,
    type(None): NOTHING_TYPE,
    str: STRING_TYPE,
    int: INT_TYPE,
    float: FLOAT_TYPE,
    bool: BOOL_TYPE,
    list: ListType(ANY_TYPE),
    dict: _ANY_DICT,
    typing.List: ListType(ANY_TYPE),  # noqa: UP006 - the bare name of the typing module is what users write
    scalars.String: STRING_TYPE,
    scalars.Int: INT_TYPE,
    scalars.Float: FLOAT_TYPE,
    scalars.Bool: BOOL_TYPE,
    scalars.Nothing: NOTHING_TYPE,
    inspect.Parameter.empty: ANY_TYPE,
    NO_VALUE.__class__: ANY_TYPE,
}
_PLAIN_GENERICS: dict[Any, type] = {typing.Dict: dict, typing.Set: set, typing.Tuple: tuple}  # noqa: UP006
_REGISTERED: dict[type, RuntimeType] = {}
_MADE: dict[type, RuntimeType] = {}


def make_python_type_usable_as_runtime_type(python_type: type, dagster_type: RuntimeType) -> None:
    """Let a Python class in annotations stand for a type of its own.

    Raises:
        InvalidDefinitionError: when it already stands for another.
    """
    registered = _REGISTERED.get(python_type)
    if registered is not None and registered is not dagster_type:
        raise InvalidDefinitionError(
            f"expected {python_type.__name__} to be free, got it registered for type {registered.display_name!r}"
        )
    _REGISTERED[python_type] = dagster_type


def usable_as_runtime_type(
    name: Any = None, description: str | None = None, loader: RuntimeTypeLoader | None = None
) -> Any:
    """Decorate a class so that annotations with it check and, given a loader, load it."""

    def decorate(cls: type) -> type:
        label = cls.__name__ if name is None or inspect.isclass(name) else name
        made = PythonObjectType(cls, name=label, description=description, loader=loader)
        make_python_type_usable_as_runtime_type(cls, made)
        return cls

    return decorate(name) if inspect.isclass(name) else decorate


def resolve_type(raw: Any) -> RuntimeType:
    """The type that an annotation or the argument of ``In``/``Out`` stands for.

    Raises:
        InvalidDefinitionError: for annotations that cannot be checked, such as unions and callables.
    """
    if isinstance(raw, RuntimeType):
        return raw
    if raw is None:
        return ANY_TYPE
    try:
        known = _KNOWN.get(raw) or _REGISTERED.get(raw) or _MADE.get(raw)
    except TypeError:
        known = None
    if known is not None:
        return known
    if raw in (MaterializeResult, Output):
        return ANY_TYPE
    if raw is ObserveResult:
        return NOTHING_TYPE
    if raw is DynamicOutput:
        raise InvariantViolationError(
            "expected a list of DynamicOutput, got DynamicOutput alone; annotate with List[DynamicOutput], or use Output"
        )
    origin = typing.get_origin(raw)
    if origin is None and raw in _PLAIN_GENERICS:
        return resolve_type(_PLAIN_GENERICS[raw])
    if origin is not None:
        return _generic(raw, origin)
    if inspect.isclass(raw):
        made = _MADE[raw] = PythonObjectType(raw)
        return made
    raise InvalidDefinitionError(
        f"expected a type, got {raw!r}; use a class, Optional, List, Dict, Set, Tuple or a type of your own"
    )


def _generic(raw: Any, origin: Any) -> RuntimeType:
    args = typing.get_args(raw)
    if origin in (typing.Union, python_types.UnionType):
        inner = [arg for arg in args if arg is not type(None)]
        if len(inner) == 1 and len(args) == 2:
            return OptionalType(resolve_type(inner[0]))
    elif origin is DynamicOutput:
        return resolve_type(DynamicOutput)
    elif origin in (Output, MaterializeResult):
        return resolve_type(args[0])
    elif origin in (list, collections.abc.Sequence) and len(args) == 1:
        return ListType(resolve_type(args[0]))
    elif origin is set and len(args) == 1:
        return SetType(resolve_type(args[0]))
    elif origin in (dict, collections.abc.Mapping) and len(args) == 2:
        return DictType(resolve_type(args[0]), resolve_type(args[1]))
    elif origin is tuple and args and Ellipsis not in args:
        return TupleType([resolve_type(arg) for arg in args])
    elif origin in (dict, set, tuple) and not args:
        return resolve_type(origin)
    raise InvalidDefinitionError(
        f"expected a type that can be checked, got {raw!r}; use a class, Optional, List, Dict, Set or Tuple, "
        "or give the type explicitly with In(...) or Out(...)"
    )


class _ListApi:
    """``List[Int]``."""

    def __getitem__(self, inner: Any) -> RuntimeType:
        return ListType(resolve_type(inner))

    def __call__(self, inner: Any) -> RuntimeType:
        return ListType(resolve_type(inner))


class _OptionalApi:
    """``Optional[Int]``."""

    def __getitem__(self, inner: Any) -> RuntimeType:
        return OptionalType(resolve_type(inner))


class _SetApi:
    """``Set[Int]``."""

    def __getitem__(self, inner: Any) -> RuntimeType:
        return SetType(resolve_type(inner))


class _DictApi:
    """``Dict[String, Int]``."""

    def __getitem__(self, inner: Any) -> RuntimeType:
        if not isinstance(inner, tuple) or len(inner) != 2:
            raise InvalidDefinitionError(f"expected Dict[key type, value type], got Dict[{inner!r}]")
        return DictType(resolve_type(inner[0]), resolve_type(inner[1]))


class _TupleApi:
    """``Tuple[Int, String]``."""

    def __getitem__(self, inner: Any) -> RuntimeType:
        members = inner if isinstance(inner, tuple) else (inner,)
        return TupleType([resolve_type(member) for member in members])


List = _ListApi()
Optional = _OptionalApi()
Set = _SetApi()
Dict = _DictApi()
Tuple = _TupleApi()
for _api, _plain in ((List, list), (Set, set), (Dict, dict), (Tuple, tuple)):
    _KNOWN[_api] = resolve_type(_plain)


def check_runtime_type(dagster_type: Any, value: Any) -> TypeCheck:
    """Check a value against a type, outside of any run.

    Raises:
        InvariantViolationError: for types of the ``typing`` module.
    """
    if typing.get_origin(dagster_type) is not None:
        raise InvariantViolationError(
            f"expected a type of this package or a class, got {dagster_type!r}; use List[...], Dict[...] of this package"
        )
    return resolve_type(dagster_type).type_check(None, value)
