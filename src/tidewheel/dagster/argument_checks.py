"""The functions of ``dagster._check`` that users' files call: each returns the value or raises a CheckError."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NoReturn

from tidewheel.errors import CheckError, ElementCheckError, NotImplementedCheckError, ParameterCheckError

Kind = type | tuple[type, ...]


def _names(kind: Kind) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(one.__name__ for one in kinds)


def _fault(obj: object, name: str | None, expected: str, more: str | None = None) -> ParameterCheckError:
    subject = f"{name!r}: " if name else ""
    added = f"; {more}" if more else ""
    return ParameterCheckError(f"{subject}expected {expected}, got {obj!r} ({type(obj).__name__}){added}")


def _scalar_check(kind: Kind, *, is_optional: bool) -> Callable[..., Any]:
    def check(obj: Any, param_name: str, default: Any = None, additional_message: str | None = None) -> Any:
        if obj is None and is_optional:
            return default
        numbers_only = kind is not bool and isinstance(obj, bool) and kind in (float, (int, float))
        if not isinstance(obj, kind) or numbers_only:
            raise _fault(obj, param_name, _names(kind), additional_message)
        return obj

    return check


str_param = _scalar_check(str, is_optional=False)
opt_str_param = _scalar_check(str, is_optional=True)
opt_nullable_str_param = _scalar_check(str, is_optional=True)
int_param = _scalar_check(int, is_optional=False)
opt_int_param = _scalar_check(int, is_optional=True)
float_param = _scalar_check(float, is_optional=False)
opt_float_param = _scalar_check(float, is_optional=True)
numeric_param = _scalar_check((int, float), is_optional=False)
opt_numeric_param = _scalar_check((int, float), is_optional=True)
bool_param = _scalar_check(bool, is_optional=False)
opt_bool_param = _scalar_check(bool, is_optional=True)


def callable_param(obj: Any, param_name: str, additional_message: str | None = None) -> Any:
    """A callable."""
    if not callable(obj):
        raise _fault(obj, param_name, "something callable", additional_message)
    return obj


def opt_callable_param(
    obj: Any, param_name: str, default: Any = None, additional_message: str | None = None
) -> Any:
    """A callable, or the default for None."""
    return default if obj is None else callable_param(obj, param_name, additional_message)


def inst_param(obj: Any, param_name: str, ttype: Kind, additional_message: str | None = None) -> Any:
    """An instance of a class."""
    if not isinstance(obj, ttype):
        raise _fault(obj, param_name, f"an instance of {_names(ttype)}", additional_message)
    return obj


def opt_inst_param(
    obj: Any, param_name: str, ttype: Kind, default: Any = None, additional_message: str | None = None
) -> Any:
    """An instance of a class, or the default for None."""
    return default if obj is None else inst_param(obj, param_name, ttype, additional_message)


def _elements(values: Iterable[Any], of_type: Kind | None, name: str | None) -> None:
    for value in values if of_type is not None else ():
        if not isinstance(value, of_type):  # type: ignore[arg-type]
            raise ElementCheckError(
                f"{name or 'value'}: expected members of type {_names(of_type)}, got {value!r}"  # type: ignore[arg-type]
            )


def _collection_check(kind: Kind, make: Callable[[], Any], *, is_optional: bool) -> Callable[..., Any]:
    def check(
        obj: Any, param_name: str, of_type: Kind | None = None, additional_message: str | None = None
    ) -> Any:
        given: Any = obj
        if obj is None and is_optional:
            return make()
        if not isinstance(given, kind) or (isinstance(obj, str) and kind is not str):
            raise _fault(obj, param_name, _names(kind), additional_message)
        _elements(obj, of_type, param_name)
        return obj

    return check


list_param = _collection_check(list, list, is_optional=False)
opt_list_param = _collection_check(list, list, is_optional=True)
sequence_param = _collection_check(Sequence, list, is_optional=False)
opt_sequence_param = _collection_check(Sequence, list, is_optional=True)
set_param = _collection_check(AbstractSet, set, is_optional=False)
opt_set_param = _collection_check(AbstractSet, set, is_optional=True)
tuple_param = _collection_check(tuple, tuple, is_optional=False)
opt_tuple_param = _collection_check(tuple, tuple, is_optional=True)
iterable_param = _collection_check(Iterable, list, is_optional=False)
opt_iterable_param = _collection_check(Iterable, list, is_optional=True)


def _mapping_check(kind: Kind, *, is_optional: bool) -> Callable[..., Any]:
    def check(
        obj: Any,
        param_name: str,
        key_type: Kind | None = None,
        value_type: Kind | None = None,
        additional_message: str | None = None,
    ) -> Any:
        if obj is None and is_optional:
            return {}
        given: Any = obj
        if not isinstance(given, kind):
            raise _fault(obj, param_name, _names(kind), additional_message)
        _elements(obj, key_type, param_name)
        _elements(obj.values(), value_type, param_name)
        return obj

    return check


dict_param = _mapping_check(dict, is_optional=False)
opt_dict_param = _mapping_check(dict, is_optional=True)
mapping_param = _mapping_check(Mapping, is_optional=False)
opt_mapping_param = _mapping_check(Mapping, is_optional=True)


def _nullable(check: Callable[..., Any]) -> Callable[..., Any]:
    def check_or_none(obj: Any, param_name: str, *args: Any, **kwargs: Any) -> Any:
        return None if obj is None else check(obj, param_name, *args, **kwargs)

    return check_or_none


opt_nullable_dict_param = _nullable(dict_param)
opt_nullable_list_param = _nullable(list_param)
opt_nullable_mapping_param = _nullable(mapping_param)
opt_nullable_sequence_param = _nullable(sequence_param)


def _member_check(check: Callable[..., Any]) -> Callable[..., Any]:
    def check_member(ddict: Any, key: str, *args: Any, **kwargs: Any) -> Any:
        return check(ddict.get(key), key, *args, **kwargs)

    return check_member


dict_elem = _member_check(dict_param)
opt_dict_elem = _member_check(opt_dict_param)
list_elem = _member_check(list_param)
opt_list_elem = _member_check(opt_list_param)
str_elem = _member_check(str_param)
opt_str_elem = _member_check(opt_str_param)
int_elem = _member_check(int_param)
opt_int_elem = _member_check(opt_int_param)


def class_param(
    obj: Any, param_name: str, superclass: type | None = None, additional_message: str | None = None
) -> Any:
    """A class, perhaps below another one."""
    if not isinstance(obj, type) or (superclass is not None and not issubclass(obj, superclass)):
        raise _fault(
            obj,
            param_name,
            f"a class below {superclass.__name__}" if superclass else "a class",
            additional_message,
        )
    return obj


def opt_class_param(
    obj: Any,
    param_name: str,
    default: type | None = None,
    superclass: type | None = None,
    additional_message: str | None = None,
) -> Any:
    """As ``class_param``; the default for None."""
    return default if obj is None else class_param(obj, param_name, superclass, additional_message)


def inst(obj: Any, ttype: Kind, additional_message: str | None = None) -> Any:
    """An instance of a class."""
    if not isinstance(obj, ttype):
        text = f"expected an instance of {_names(ttype)}, got {obj!r} ({type(obj).__name__})"
        raise CheckError(f"{text}; {additional_message}" if additional_message else text)
    return obj


def opt_inst(obj: Any, ttype: Kind, additional_message: str | None = None) -> Any:
    """An instance of a class, or None."""
    return None if obj is None else inst(obj, ttype, additional_message)


def is_list(obj: Any, of_type: Kind | None = None, additional_message: str | None = None) -> Any:
    """A list."""
    return _members(inst(obj, list, additional_message), of_type)


def is_iterable(obj: Any, of_type: Kind | None = None, additional_message: str | None = None) -> Any:
    """Something that can be iterated."""
    return _members(inst(obj, Iterable, additional_message), of_type)


def is_dict(obj: Any, key_type: Kind | None = None, value_type: Kind | None = None, **_: Any) -> Any:
    """A dict."""
    _elements(inst(obj, dict), key_type, None)
    _elements(obj.values(), value_type, None)
    return obj


def _members(obj: Any, of_type: Kind | None) -> Any:
    _elements(obj, of_type, None)
    return obj


def not_none(value: Any, additional_message: str | None = None) -> Any:
    """Anything but None."""
    if value is None:
        raise CheckError(
            f"expected a value, got None; {additional_message}"
            if additional_message
            else "expected a value, got None"
        )
    return value


def not_none_param(obj: Any, param_name: str, additional_message: str | None = None) -> Any:
    """Anything but None."""
    if obj is None:
        raise _fault(obj, param_name, "a value", additional_message)
    return obj


def invariant(condition: Any, desc: str | None = None) -> bool:
    """True, or an error with the description."""
    if not condition:
        raise CheckError(f"expected an invariant to hold, got that it does not{f': {desc}' if desc else ''}")
    return True


def param_invariant(condition: Any, param_name: str, desc: str | None = None) -> None:
    """Nothing, or an error with the description."""
    if not condition:
        raise ParameterCheckError(
            f"{param_name!r}: expected an invariant to hold, got that it does not{f': {desc}' if desc else ''}"
        )


def failed(desc: str) -> NoReturn:
    """Raise an error with the description."""
    raise CheckError(desc)


def not_implemented(desc: str) -> NoReturn:
    """Raise an error that says what is not implemented."""
    raise NotImplementedCheckError(desc)


def assert_never(value: object) -> NoReturn:
    """Raise an error: this place was thought to be out of reach."""
    failed(f"expected never to come here, got {value!r} ({type(value).__name__})")
