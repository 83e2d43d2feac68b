"""Component classes: what files that define them need to load. They are made in Python; ``defs.yaml`` is not read.

A component is a class with fields and a method that makes definitions of them; see ``Component``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.defs_folder import load_defs, load_from_defs_folder
from tidewheel.definitions.loading.loaders import definitions
from tidewheel.values.keys import AssetKey


@dataclass(frozen=True)
class ComponentLoadContext:
    """Where a component stands while it makes its definitions."""

    path: Path
    project_root: Path

    @staticmethod
    def for_test(path: Path | None = None) -> ComponentLoadContext:
        """A context in a folder (the current one by default)."""
        folder = path if path is not None else Path.cwd()
        return ComponentLoadContext(folder, folder)


class Component(ABC):
    """Makes definitions from its own fields."""

    @abstractmethod
    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The component's definitions."""

    @classmethod
    def get_schema(cls) -> type[BaseModel] | None:
        """The model of the component's fields, where the class is one."""
        return cls if issubclass(cls, BaseModel) else None


class Model(BaseModel):
    """A pydantic model that knows no other fields than its own."""

    model_config = ConfigDict(extra="forbid")


class Resolvable:
    """Marks classes whose fields can be read from a file."""


class Resolver:
    """Says how a field is read from a file; kept as it is given."""

    def __init__(
        self, fn: Any, *, model_field_type: Any = None, model_field_name: str | None = None, **more: Any
    ) -> None:
        self.fn = fn
        self.model_field_type = model_field_type
        self.model_field_name = model_field_name
        self.more = more

    @staticmethod
    def default(**more: Any) -> Resolver:
        """The value as it is."""
        return Resolver(lambda _, value: value, **more)

    @staticmethod
    def from_model(fn: Any, **more: Any) -> Resolver:
        """By a function of the context and the whole model."""
        return Resolver(fn, **more)


def template_var(fn: Any) -> Any:
    """Mark a function whose result component files can name; they are not read, so it stays what it is."""
    return fn


def build_defs_for_component(component: Component) -> Definitions:
    """The definitions that a component makes, outside of any project."""
    return component.build_defs(ComponentLoadContext.for_test())


ResolvedAssetKey = AssetKey
ResolvedAssetSpec = AssetSpec

__all__ = [
    "Component",
    "ComponentLoadContext",
    "Model",
    "Resolvable",
    "ResolvedAssetKey",
    "ResolvedAssetSpec",
    "Resolver",
    "build_defs_for_component",
    "definitions",
    "load_defs",
    "load_from_defs_folder",
    "template_var",
]
