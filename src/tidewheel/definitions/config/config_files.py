"""Run config from YAML: files, packaged files and texts, each later one laid over those before."""

from __future__ import annotations

import glob
import importlib.resources
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from tidewheel.errors import CheckError, InvariantViolationError, ParameterCheckError


class _PlainLoader(yaml.SafeLoader):
    """Reads dates as texts: run config has no dates."""

    yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def config_from_files(config_files: Sequence[str] | None) -> Mapping[str, Any]:
    """The config of YAML files, merged key by key; later files win. Each entry is a path or a glob pattern.

    Raises:
        InvariantViolationError: when a pattern finds no file, or a file is no YAML.
        CheckError: when a file holds something else than a mapping.
    """
    paths: list[str] = []
    for pattern in _texts(config_files, "config_files"):
        found = sorted(glob.glob(pattern))
        if not found:
            raise InvariantViolationError(
                f"expected config_files to exist, got {pattern!r}, which finds none; check the path"
            )
        paths += found
    return merged((path, _text_of(path)) for path in paths)


def config_from_pkg_resources(pkg_resource_defs: Sequence[tuple[str, str]] | None) -> Mapping[str, Any]:
    """The config of YAML files inside packages, given as (package, file name), merged; later files win.

    Raises:
        InvariantViolationError: when a package or file is missing, or is no YAML.
        CheckError: when a file holds something else than a mapping.
    """
    parts = []
    for package, name in pkg_resource_defs or ():
        try:
            text = importlib.resources.files(package).joinpath(name).read_text()
        except (ImportError, OSError) as exc:
            raise InvariantViolationError(
                f"expected the file {name!r} in the package {package!r}, got none ({exc})"
            ) from exc
        parts.append((f"{package}:{name}", text))
    return merged(parts)


def config_from_yaml_strings(yaml_strings: Sequence[str]) -> Mapping[str, Any]:
    """The config of YAML texts, merged; later texts win.

    Raises:
        InvariantViolationError: when one is no YAML.
        CheckError: when one holds something else than a mapping.
    """
    texts = _texts(yaml_strings, "yaml_strings")
    return merged((f"text {number}", text) for number, text in enumerate(texts, 1))


def merged(parts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The mapping that YAML texts make together; ``parts`` are (name for messages, text)."""
    result: dict[str, Any] = {}
    for name, text in parts:
        try:
            found = yaml.load(text, Loader=_PlainLoader)
        except yaml.YAMLError as exc:
            raise InvariantViolationError(f"expected YAML in {name}, got something else: {exc}") from exc
        if found is None:
            continue
        if not isinstance(found, dict):
            raise CheckError(f"expected a mapping in {name}, got {found!r} ({type(found).__name__})")
        result = overlaid(result, found)
    return result


def overlaid(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping laid over another; mappings inside are laid over each other, anything else replaces."""
    result = dict(under)
    for key, value in over.items():
        before = result.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[key] = overlaid(before, value) if both else value  # type: ignore[arg-type]
    return result


def _text_of(path: str) -> str:
    with open(path) as source:
        return source.read()


def _texts(values: Any, name: str) -> Sequence[str]:
    if values is None:
        return ()
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ParameterCheckError(f"expected {name} as a list of texts, got {values!r}; write [{values!r}]")
    for value in values:
        if not isinstance(value, str):
            raise CheckError(f"expected {name} as texts, got {value!r} ({type(value).__name__})")
    return values
