"""``RunConfig``: a run's config as objects, and its plain form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidewheel.definitions.config.env_var import EnvVar, IntEnvVar
from tidewheel.definitions.config.pythonic_config import Config, to_config_value
from tidewheel.errors import ParameterCheckError


class RunConfig:
    """Config for ops, resources, loggers and execution; config and resource instances stand for their fields."""

    def __init__(
        self,
        ops: Mapping[str, Any] | None = None,
        resources: Mapping[str, Any] | None = None,
        loggers: Mapping[str, Any] | None = None,
        execution: Mapping[str, Any] | None = None,
    ) -> None:
        for name, section in (
            ("ops", ops),
            ("resources", resources),
            ("loggers", loggers),
            ("execution", execution),
        ):
            if section is not None and not isinstance(section, Mapping):
                raise ParameterCheckError(f"expected {name} as a dict, got {section!r}")
        self.ops = dict(ops or {})
        self.resources = dict(resources or {})
        self.loggers = dict(loggers or {})
        self.execution = dict(execution or {})

    def to_config_dict(self) -> dict[str, Any]:
        """The plain form, with all four sections."""
        return {
            "loggers": _plain(self.loggers),
            "resources": {key: _entry(value) for key, value in self.resources.items()},
            "ops": {key: _op_entry(value) for key, value in self.ops.items()},
            "execution": _plain(self.execution),
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunConfig) and self.to_config_dict() == other.to_config_dict()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"RunConfig(ops={self.ops!r}, resources={self.resources!r}, loggers={self.loggers!r}, "
            f"execution={self.execution!r})"
        )


def _plain(value: Any) -> Any:
    return to_config_value(value)


def _entry(value: Any) -> Any:
    """A section's entry: an instance becomes ``{"config": ...}``, a dict is taken as it is."""
    if isinstance(value, (EnvVar, IntEnvVar)):
        return {"config": to_config_value(value)}
    if isinstance(value, Config):
        return {"config": value._convert_to_config_dictionary()}
    return to_config_value(value)


def _op_entry(value: Any) -> Any:
    """As ``_entry``; the op of a graph may be nested below ``ops``."""
    if isinstance(value, RunConfig):
        return {"ops": value.to_config_dict()["ops"]}
    if isinstance(value, Mapping) and isinstance(value.get("ops"), Mapping):
        inner = {key: _op_entry(one) for key, one in value["ops"].items()}
        return {**to_config_value({key: one for key, one in value.items() if key != "ops"}), "ops": inner}
    return _entry(value)


def plain_run_config(run_config: RunConfig | Mapping[str, Any] | None) -> dict[str, Any]:
    """Run config in its plain form, whatever form it was given in.

    Raises:
        ParameterCheckError: when it is neither a mapping nor a ``RunConfig``.
    """
    if run_config is None:
        return {}
    if isinstance(run_config, RunConfig):
        return run_config.to_config_dict()
    if isinstance(run_config, Mapping):
        result: dict[str, Any] = to_config_value(run_config)
        return result
    raise ParameterCheckError(f"expected run config as a dict or RunConfig, got {run_config!r}")


def with_defaults(default: Mapping[str, Any] | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Run config, filled up with a job's own where it says nothing.

    What is filled up is sections, their entries (ops, resources, loggers) and the keys of these, through nested graphs;
    the config of one op or resource is taken whole from where it is given.
    """
    if not default:
        return dict(given)
    filled = dict(given)
    for section, kept in default.items():
        if section not in given:
            filled[section] = kept
        elif section == "ops":
            filled[section] = _filled_ops(kept, given[section])
        elif section in ("resources", "loggers"):
            filled[section] = _filled(kept, given[section], _filled_keys)
        else:
            filled[section] = _filled_keys(kept, given[section])
    return filled


def _filled_ops(kept: Any, given: Any) -> Any:
    return _filled(kept, given, _filled_node)


def _filled_node(kept: Any, given: Any) -> Any:
    filled = _filled_keys(kept, given)
    if isinstance(filled, dict) and "ops" in filled and "ops" in kept:
        filled["ops"] = _filled_ops(kept["ops"], filled["ops"])
    return filled


def _filled_keys(kept: Any, given: Any) -> Any:
    return _filled(kept, given, lambda _, mine: mine)


def _filled(kept: Any, given: Any, both: Callable[[Any, Any], Any]) -> Any:
    if given is None:
        return kept
    if not isinstance(kept, Mapping) or not isinstance(given, Mapping):
        return given
    return {
        key: both(kept[key], given[key]) if key in kept and key in given else given.get(key, kept.get(key))
        for key in [*kept, *(key for key in given if key not in kept)]
    }
