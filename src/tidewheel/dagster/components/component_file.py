"""``defs.yaml``: which components a folder holds, with their attributes, as the file says it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from tidewheel.errors import InvalidDefinitionError

COMPONENT_FILES = ("defs.yaml", "component.yaml")
MERGE, REPLACE = "merge", "replace"
FILES_READ: set[str] = set()
"""Every component file that this process has read: like imported modules, they are user code that may be edited."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Requirements(_Said):
    """What the file needs from outside."""

    env: list[str] | None = None


class AssetChange(_Said):
    """What is changed of some of the component's assets; ``target`` is a selection, ``operation`` merge or replace."""

    target: str = "*"
    operation: str = MERGE
    attributes: dict[str, Any] | str


class PostProcessing(_Said):
    """What is changed of what the component made."""

    assets: list[AssetChange] | None = None


class ComponentSaid(_Said):
    """One component of a file: its class by name, and what it is made of."""

    type: str
    attributes: dict[str, Any] | None = None
    template_vars_module: str | None = None
    requirements: Requirements | None = None
    post_processing: PostProcessing | None = None


def component_file(folder: Path) -> Path | None:
    """The file that says which components a folder holds, if it has one."""
    return next((folder / name for name in COMPONENT_FILES if (folder / name).is_file()), None)


def read_components(file: Path) -> list[tuple[ComponentSaid, int]]:
    """The components of a file, one of each document, with the line that it begins at.

    Raises:
        InvalidDefinitionError: when it is no YAML, or its form is wrong.
    """
    FILES_READ.add(str(file.resolve()))
    try:
        documents = list(_documents(file.read_text()))
    except yaml.YAMLError as exc:
        raise InvalidDefinitionError(f"{file}: expected valid YAML, got: {exc}") from exc
    return [(component_said(one, file), line) for one, line in documents if one is not None]


def _documents(text: str) -> Iterator[tuple[Any, int]]:
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # there is one, says check_node
            yield loader.construct_document(node), node.start_mark.line + 1
    finally:
        loader.dispose()


def component_said(document: Any, file: Path) -> ComponentSaid:
    """One component of plain values.

    Raises:
        InvalidDefinitionError: when the form is wrong.
    """
    try:
        return ComponentSaid.model_validate(document)
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the document'}: {one['msg']}" for one in exc.errors()
        )
        raise InvalidDefinitionError(
            f"{file}: expected a component with type and attributes, got one that is wrong: {problems}"
        ) from exc


class _Loader(yaml.SafeLoader):
    """Reads dates as the texts that they are: partitions start at texts."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
