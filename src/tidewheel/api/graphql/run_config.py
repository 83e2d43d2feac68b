"""Reads the run config that a client sends: an object, or its text in YAML or JSON."""

from __future__ import annotations

from typing import Any

import yaml

MAX_VALUES = 100_000
"""Values in one config; YAML's references can make a short text into a very large config."""


class UnreadableConfigError(ValueError):
    """The config is not an object, or its text is not YAML."""


def read_run_config(data: Any) -> dict[str, Any]:
    """The config as an object; nothing at all is an empty one.

    Raises:
        UnreadableConfigError: when it cannot be read, or is too large.
    """
    if isinstance(data, str):
        try:
            data = yaml.safe_load(data)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise UnreadableConfigError(
                f"expected run config as YAML or JSON, got text that is neither: {error}"
            ) from None
    if data is None:
        return {}
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise UnreadableConfigError(
            f"expected run config as an object with text keys, got {type(data).__name__}; write for example "
            '{"ops": {"name": {"config": {}}}}'
        )
    _require_moderate(data)
    return data


def _require_moderate(config: dict[str, Any]) -> None:
    """Count the values as they will be written out, where a reference counts each time."""
    left, todo = MAX_VALUES, [iter((config,))]
    while todo:
        value = next(todo[-1], None)
        if value is None:
            todo.pop()
            continue
        left -= 1
        if left < 0 or len(todo) > 100:
            raise UnreadableConfigError(
                f"expected run config of at most {MAX_VALUES} values, nested at most 100 deep, got more"
            )
        if isinstance(value, dict):
            todo.append(iter([item for item in value.values() if item is not None]))
        elif isinstance(value, list):
            todo.append(iter([item for item in value if item is not None]))
