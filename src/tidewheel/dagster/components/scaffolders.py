"""Scaffolders: classes that write the first files of a component. They can be defined and called; no command does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from pydantic import BaseModel

TModel = TypeVar("TModel")
T = TypeVar("T")


@dataclass
class ScaffoldRequest(Generic[TModel]):
    """What is to be written, and where."""

    type_name: str
    target_path: Path
    scaffold_format: str
    project_root: Path | None
    params: TModel
    append: bool = False


class Scaffolder(Generic[TModel]):
    """Writes the first files of a component."""

    @classmethod
    def get_scaffold_params(cls) -> type[Any]:
        """The model of what is asked for."""
        return BaseModel

    def scaffold(self, request: ScaffoldRequest[TModel]) -> None:
        """Write the files."""
        raise NotImplementedError


def scaffold_with(scaffolder_cls: Any) -> Callable[[T], T]:
    """Say which class writes the first files of a component."""

    def mark(cls: T) -> T:
        cls.scaffolder = scaffolder_cls  # type: ignore[attr-defined]
        return cls

    return mark


def scaffold_component(
    request: ScaffoldRequest[Any], yaml_attributes: Mapping[str, Any] | None = None
) -> None:
    """Write a component's file with these attributes."""
    request.target_path.mkdir(parents=True, exist_ok=True)
    content = {"type": request.type_name, "attributes": dict(yaml_attributes or {})}
    (request.target_path / "defs.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
