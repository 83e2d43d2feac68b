"""Checks a config value against a schema: fills in defaults, reads the environment, finds every problem at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.definitions.config.config_schema import (
    UNSET,
    AnyConfig,
    Array,
    ConfigType,
    Enum,
    Field,
    Map,
    Noneable,
    ScalarConfig,
    ScalarUnion,
    Selector,
    Shape,
)
from tidewheel.definitions.config.env_var import (
    EnvironmentValueError,
    EnvVar,
    IntEnvVar,
    is_env_reference,
    read_env,
)
from tidewheel.errors import ConfigProblem, InvalidConfigError, did_you_mean

MISMATCH = "RUNTIME_TYPE_MISMATCH"
MISSING = "MISSING_REQUIRED_FIELD"
UNKNOWN = "FIELD_NOT_DEFINED"
SELECTOR = "SELECTOR_FIELD_ERROR"
POST_PROCESSING = "FAILED_POST_PROCESSING"

Path = tuple[str, ...]


class Validation:
    """One pass over a value; ``problems`` collects what is wrong.

    ``reads_env``: replace ``{"env": NAME}`` by the variable's value (at run time), or leave it (when a default is
    checked at definition time).
    """

    def __init__(self, *, reads_env: bool = True) -> None:
        self.problems: list[ConfigProblem] = []
        self.reads_env = reads_env

    def check(self, kind: ConfigType, value: Any, path: Path) -> Any:
        """The value with defaults filled in; problems are noted and give ``None``."""
        if isinstance(value, (EnvVar, IntEnvVar)):
            value = {"env": value.env_var_name}
        if isinstance(kind, AnyConfig):
            return value
        if isinstance(kind, Noneable):
            return None if value is None else self.check(kind.inner_type, value, path)
        if value is None:
            return self._note(path, f"expected {kind.describe()}, got None; give a value or drop the entry")
        if isinstance(kind, ScalarConfig):
            return self._scalar(kind, value, path)
        if isinstance(kind, Shape):
            return self._shape(kind, value, path)
        if isinstance(kind, Selector):
            return self._selector(kind, value, path)
        if isinstance(kind, Array):
            return self._array(kind, value, path)
        if isinstance(kind, Map):
            return self._map(kind, value, path)
        if isinstance(kind, Enum):
            return self._enum(kind, value, path)
        if isinstance(kind, ScalarUnion):
            is_scalar = isinstance(value, (str, int, float, bool)) or is_env_reference(value)
            is_other = isinstance(kind.non_scalar_type, ScalarConfig)
            return self.check(
                kind.scalar_type if is_scalar and not is_other else kind.non_scalar_type, value, path
            )
        raise TypeError(f"expected a config type, got {kind!r}")

    def _note(self, path: Path, message: str, reason: str = MISMATCH) -> None:
        self.problems.append(ConfigProblem(path, message, reason))

    def _scalar(self, kind: ScalarConfig, value: Any, path: Path) -> Any:
        if kind.from_env and is_env_reference(value):
            if not self.reads_env:
                return value
            try:
                return read_env(str(value["env"]), kind.python_type)
            except EnvironmentValueError as exc:
                return self._note(path, str(exc), POST_PROCESSING)
        if kind.accepts(value):
            return float(value) if kind.python_type is float and self.reads_env else value
        return self._note(path, f"expected {kind.describe()}, got {value!r} ({type(value).__name__})")

    def _shape(self, kind: Shape, value: Any, path: Path) -> Any:
        if not isinstance(value, Mapping):
            return self._note(
                path, f"expected a dict {kind.describe()}, got {value!r} ({type(value).__name__})"
            )
        known = {kind.field_aliases.get(name, name): (name, field) for name, field in kind.fields.items()}
        result: dict[str, Any] = {}
        for name in value:
            if name not in known:
                if kind.is_permissive:
                    result[name] = value[name]
                else:
                    hint = did_you_mean(str(name), known)
                    self._note(
                        (*path, str(name)),
                        f"expected one of the known entries, got {name!r}; {hint}",
                        UNKNOWN,
                    )
        for name, (field_name, field) in known.items():
            if name in value:
                result[field_name] = self.check(field.config_type, value[name], (*path, name))
            elif field.default_provided:
                result[field_name] = self.check(field.config_type, field.default_value, (*path, name))
            elif field.is_required:
                example = example_value(field.config_type)
                self._note(
                    (*path, name),
                    f'Missing required config entry "{name}": expected {field.config_type.describe()}, got none; '
                    f"add for example {{{name!r}: {example!r}}}",
                    MISSING,
                )
        return result

    def _selector(self, kind: Selector, value: Any, path: Path) -> Any:
        if not isinstance(value, Mapping):
            return self._note(
                path, f"expected a dict with one of {sorted(kind.fields)}, got {value!r}", SELECTOR
            )
        if len(value) != 1:
            if not value and kind.implicit_default is not UNSET:
                value = kind.implicit_default
            else:
                return self._note(
                    path,
                    f"expected exactly one of {sorted(kind.fields)}, got {sorted(map(str, value))}",
                    SELECTOR,
                )
        name, inner = next(iter(value.items()))
        field = kind.fields.get(name)
        if field is None:
            return self._note(
                (*path, str(name)),
                f"expected one of {sorted(kind.fields)}, got {name!r}; {did_you_mean(str(name), kind.fields)}",
                UNKNOWN,
            )
        if inner is None and isinstance(field.config_type, Shape):
            inner = {}
        return {name: self.check(field.config_type, inner, (*path, name))}

    def _array(self, kind: Array, value: Any, path: Path) -> Any:
        if not isinstance(value, (list, tuple)):
            return self._note(
                path, f"expected a list {kind.describe()}, got {value!r} ({type(value).__name__})"
            )
        return [self.check(kind.inner_type, item, _indexed(path, n)) for n, item in enumerate(value)]

    def _map(self, kind: Map, value: Any, path: Path) -> Any:
        if not isinstance(value, Mapping):
            return self._note(
                path, f"expected a dict {kind.describe()}, got {value!r} ({type(value).__name__})"
            )
        return {
            self.check(kind.key_type, key, (*path, f"{key!r}", "key")): self.check(
                kind.inner_type, item, (*path, str(key))
            )
            for key, item in value.items()
        }

    def _enum(self, kind: Enum, value: Any, path: Path) -> Any:
        if not isinstance(value, str):
            return self._note(
                path, f"expected one of {kind.config_values}, got {value!r} ({type(value).__name__})"
            )
        if value not in kind.config_values:
            hint = did_you_mean(value, kind.config_values)
            return self._note(path, f"expected one of {kind.config_values}, got {value!r}; {hint}")
        return kind.to_python_value(value) if self.reads_env else value


def _indexed(path: Path, index: int) -> Path:
    return (*path[:-1], f"{path[-1]}[{index}]") if path else (f"[{index}]",)


def check_config(kind: ConfigType | Field, value: Any, *, subject: str, path: Path = ()) -> Any:
    """The value with defaults filled in and the environment read.

    ``subject`` says in the message what the config is of, e.g. ``job 'daily'``.

    Raises:
        InvalidConfigError: with every problem.
    """
    validation = Validation()
    if isinstance(kind, Field):
        if value is None and kind.default_provided:
            value = kind.default_value
        elif value is None and not kind.is_required:
            return None
        kind = kind.config_type
    result = validation.check(kind, value, path)
    raise_problems(validation.problems, subject, value)
    return result


def raise_problems(problems: Sequence[ConfigProblem], subject: str, value: Any) -> None:
    """Raise all problems in one error, if there are any."""
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InvalidConfigError(f"Error in config for {subject}: {count}", problems, value)


def check_default(kind: ConfigType, value: Any) -> None:
    """Check a field's default when it is defined.

    Raises:
        InvalidConfigError: when it does not fit the field's type.
    """
    validation = Validation(reads_env=False)
    validation.check(kind, value, ())
    raise_problems(validation.problems, f"a field's default {value!r}", value)


def example_value(kind: ConfigType, depth: int = 4) -> Any:
    """A small valid value of a type, for messages."""
    if isinstance(kind, ScalarConfig):
        return {str: "...", int: 0, float: 0.0, bool: True}.get(kind.python_type, "...")
    if isinstance(kind, Shape):
        if depth == 0:
            return {}
        return {n: example_value(f.config_type, depth - 1) for n, f in kind.fields.items() if f.is_required}
    if isinstance(kind, Selector):
        for name, field in kind.fields.items():
            return {name: example_value(field.config_type, depth - 1)}
        return {}
    if isinstance(kind, Array):
        return []
    if isinstance(kind, Map):
        return {}
    if isinstance(kind, Enum):
        return kind.config_values[0] if kind.config_values else "..."
    if isinstance(kind, Noneable):
        return None
    if isinstance(kind, ScalarUnion):
        return example_value(kind.scalar_type, depth)
    return "..."


def config_json_schema(kind: ConfigType) -> dict[str, Any]:
    """The JSON schema of a type, for forms and editors."""
    described = _json_schema(kind)
    if kind.description:
        described = {**described, "description": kind.description}
    return described


def _json_schema(kind: ConfigType) -> dict[str, Any]:
    if isinstance(kind, ScalarConfig):
        types = {str: "string", int: "integer", float: "number", bool: "boolean"}
        plain: dict[str, Any] = {"type": types[kind.python_type]}
        if not kind.from_env:
            return plain
        env = {"type": "object", "properties": {"env": {"type": "string"}}, "required": ["env"]}
        return {"anyOf": [plain, env]}
    if isinstance(kind, Noneable):
        return {"anyOf": [config_json_schema(kind.inner_type), {"type": "null"}]}
    if isinstance(kind, Array):
        return {"type": "array", "items": config_json_schema(kind.inner_type)}
    if isinstance(kind, Map):
        return {"type": "object", "additionalProperties": config_json_schema(kind.inner_type)}
    if isinstance(kind, Enum):
        return {"type": "string", "enum": kind.config_values}
    if isinstance(kind, ScalarUnion):
        return {"anyOf": [config_json_schema(kind.scalar_type), config_json_schema(kind.non_scalar_type)]}
    if isinstance(kind, Selector):
        return {
            "type": "object",
            "properties": {name: _field_schema(field) for name, field in kind.fields.items()},
            "maxProperties": 1,
            "minProperties": 0 if kind.implicit_default is not UNSET else 1,
            "additionalProperties": False,
        }
    if isinstance(kind, Shape):
        names = {name: kind.field_aliases.get(name, name) for name in kind.fields}
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {names[name]: _field_schema(field) for name, field in kind.fields.items()},
            "additionalProperties": kind.is_permissive,
        }
        required = [names[name] for name, field in kind.fields.items() if field.is_required]
        return {**schema, "required": required} if required else schema
    return {}


def _field_schema(field: Field) -> dict[str, Any]:
    schema = config_json_schema(field.config_type)
    if field.description:
        schema = {**schema, "description": field.description}
    if field.default_provided and isinstance(
        field.default_value, (str, int, float, bool, list, dict, type(None))
    ):
        schema = {**schema, "default": field.default_value}
    return schema
