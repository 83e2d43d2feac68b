"""Tells the JSON schema of a run config as the config types that clients know, and its defaults as YAML."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml
from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.logic.access.masking import looks_secret
from tidewheel.runtime.masking import masked

_SCALARS = {"string": "String", "integer": "Int", "number": "Float", "boolean": "Bool"}
Schema = Mapping[str, Any]


def config_type(schema: Schema) -> Answer:
    """The config type of a schema, with the types below it."""
    described: Answer = {
        "description": schema.get("description"),
        "type_param_keys": [],
        "is_selector": False,
    }
    kinds = schema.get("anyOf")
    if kinds:
        return _union(described, list(kinds))
    kind = schema.get("type")
    if "enum" in schema:
        values = [{"value": str(one), "description": None} for one in schema["enum"]]
        name = _key("Enum", schema)
        return answer("EnumConfigType", **described, key=name, given_name=name, values=values)
    if kind in _SCALARS:
        name = _SCALARS[kind]
        return answer("RegularConfigType", **described, key=name, given_name=name)
    if kind == "array":
        return _wrapping("ArrayConfigType", "Array", described, schema.get("items") or {})
    if kind == "object":
        return _object(described, schema)
    return answer("RegularConfigType", **described, key="Any", given_name="Any")


def _union(described: Answer, kinds: list[Schema]) -> Answer:
    inner = [one for one in kinds if one.get("type") != "null"]
    if len(inner) == 1 and len(inner) < len(kinds):
        return _wrapping("NullableConfigType", "Noneable", described, inner[0])
    first, second = config_type(inner[0]), config_type(inner[-1])
    keys = [first["key"], second["key"]]
    return answer(
        "ScalarUnionConfigType",
        **described | {"type_param_keys": keys},
        key="ScalarUnion." + "-".join(keys),
        scalar_type=first,
        non_scalar_type=second,
        scalar_type_key=keys[0],
        non_scalar_type_key=keys[1],
    )


def _wrapping(typename: str, prefix: str, described: Answer, inner: Schema) -> Answer:
    of_type = config_type(inner)
    keys = {"type_param_keys": [of_type["key"]]}
    return answer(typename, **described | keys, key=f"{prefix}.{of_type['key']}", of_type=of_type)


def _object(described: Answer, schema: Schema) -> Answer:
    more = schema.get("additionalProperties")
    if "properties" not in schema and isinstance(more, Mapping):
        key_type, value_type = config_type({"type": "string"}), config_type(more)
        keys = [key_type["key"], value_type["key"]]
        return answer(
            "MapConfigType",
            **described | {"type_param_keys": keys},
            key="Map." + ".".join(keys),
            key_type=key_type,
            value_type=value_type,
            key_label_name=None,
        )
    is_selector = schema.get("maxProperties") == 1
    prefix = "Selector" if is_selector else "Permissive" if more else "Shape"
    required = set(schema.get("required", ()))
    fields = [
        _field(name, inner, is_required=name in required)
        for name, inner in schema.get("properties", {}).items()
    ]
    return answer(
        "CompositeConfigType",
        **described | {"is_selector": is_selector},
        key=_key(prefix, schema),
        fields=fields,
    )


def _field(name: str, schema: Schema, *, is_required: bool) -> Answer:
    kind = config_type({key: value for key, value in schema.items() if key not in ("default", "description")})
    default = None
    if "default" in schema:
        default = json.dumps(masked({name: schema["default"]})[name])
    return {
        "name": name,
        "description": schema.get("description"),
        "config_type": kind,
        "config_type_key": kind["key"],
        "is_required": is_required,
        "is_secret": looks_secret(name),
        "default_value_as_json": default,
    }


def _key(prefix: str, schema: Schema) -> str:
    return f"{prefix}.{hashlib.sha256(msgspec.json.encode(schema, order='sorted')).hexdigest()[:40]}"


def types_below(kind: Answer) -> Iterator[Answer]:
    """The types that a type is made of, each as often as it is there."""
    inner = [kind[name] for name in _PARTS if isinstance(kind.get(name), dict)]
    inner += [field["config_type"] for field in kind.get("fields", ())]
    for one in inner:
        yield one
        yield from types_below(one)


_PARTS = ("of_type", "scalar_type", "non_scalar_type", "key_type", "value_type")


def all_types(root: Answer) -> list[Answer]:
    """The type and those below it, each once, by key."""
    by_key = {one["key"]: one for one in (root, *types_below(root))}
    return [by_key[key] for key in sorted(by_key)]


def default_yaml(schema: Schema) -> str:
    """The config that holds if none is given, as YAML; secrets in it are masked. What is required is not in it."""
    found = _defaults(schema)
    return "" if found is None else yaml.safe_dump(masked(found), sort_keys=True)


def _defaults(schema: Schema) -> Any:
    inner = {name: _defaults(one) for name, one in schema.get("properties", {}).items()}
    known = {name: value for name, value in inner.items() if value is not None}
    if isinstance(schema.get("default"), Mapping):
        known |= {name: value for name, value in schema["default"].items() if name not in known}
    elif "default" in schema:
        return schema["default"]
    known = {name: value for name, value in known.items() if value != {}}
    return known or None


def _recursive(kind: Answer, info: GraphQLResolveInfo) -> list[Answer]:
    return [one for one in all_types(kind) if one is not kind]


_KINDS = [
    ObjectType(name)
    for name in (
        "ArrayConfigType",
        "CompositeConfigType",
        "EnumConfigType",
        "MapConfigType",
        "NullableConfigType",
        "RegularConfigType",
        "ScalarUnionConfigType",
    )
]
for _kind in _KINDS:
    _kind.set_field("recursiveConfigTypes", _recursive)

BINDABLES = tuple(_KINDS)
