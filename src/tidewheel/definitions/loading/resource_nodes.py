"""Describes top-level resources as values: their config, which variables it comes from, what they are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tidewheel.definitions.config.config_validation import config_json_schema
from tidewheel.definitions.config.env_var import is_env_reference
from tidewheel.definitions.resources.definition import coerce_resource
from tidewheel.definitions.resources.pythonic_resources import ConfigurableResourceDefinition
from tidewheel.logic.access.masking import MASK, looks_secret
from tidewheel.logic.access.schemas import without_secret_defaults
from tidewheel.logic.graph.specs import ResourceNode


def resource_nodes(given: Mapping[str, Any]) -> tuple[ResourceNode, ...]:
    """One for each resource of the user's file."""
    names = {id(value): name for name, value in given.items()}
    return tuple(_node(name, value, names) for name, value in given.items())


def _node(name: str, value: Any, names: Mapping[int, str]) -> ResourceNode:
    definition = coerce_resource(value)
    kind = type(value)
    nested: dict[str, str] = {}
    values: dict[str, str] = {}
    if isinstance(definition, ConfigurableResourceDefinition):
        kind = definition.cls
        inner = {field: getattr(one, "origin", one) for field, one in definition.nested().items()}
        nested = {field: names.get(id(origin), "") for field, origin in inner.items()}
        values = {field: _shown(field, one) for field, one in definition.given_config().items()}
    return ResourceNode(
        name=name,
        type_name=f"{kind.__module__}.{kind.__qualname__}",
        description=_description(value),
        config_schema=_schema(definition),
        env_vars=_variables(definition),
        values={field: text for field, text in values.items() if text},
        nested=nested,
        resources=tuple(sorted(definition.required_resource_keys)),
    )


def _description(value: Any) -> str | None:
    text = getattr(value, "description", None)
    return text if isinstance(text, str) else None


def _schema(definition: Any) -> dict[str, Any] | None:
    try:
        return without_secret_defaults(config_json_schema(definition.config_field.config_type))
    except Exception:  # noqa: BLE001 - a schema is only for showing; a type without one must not stop loading
        return None


def _variables(definition: Any) -> dict[str, str]:
    """By field, the environment variable that it comes from."""
    if not isinstance(definition, ConfigurableResourceDefinition):
        return {}
    given = definition.given_config()
    return {field: str(one["env"]) for field, one in given.items() if is_env_reference(one)}


def _shown(field: str, value: Any) -> str:
    """A value as text; none for what comes from a variable."""
    if is_env_reference(value):
        return ""
    return MASK if looks_secret(field) else json.dumps(value, default=repr)
