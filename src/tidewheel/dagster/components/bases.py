"""``Component``: a class that makes definitions of its own fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel

from tidewheel.dagster.components.fields import resolve_fields
from tidewheel.dagster.components.load_context import ComponentLoadContext, ResolutionContext
from tidewheel.definitions.loading.collection import Definitions


@dataclass(frozen=True)
class ComponentTypeSpec:
    """What is said about a class of components."""

    description: str | None = None
    tags: Sequence[str] | None = None
    owners: Sequence[str] | None = None
    metadata: Mapping[str, Any] | None = None


class Component(ABC):
    """Makes definitions from its own fields."""

    @abstractmethod
    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The component's definitions."""

    @classmethod
    def get_schema(cls) -> type[BaseModel] | None:
        """The model of the component's fields, where the class is one."""
        return cls if issubclass(cls, BaseModel) else None

    @classmethod
    def get_model_cls(cls) -> type[BaseModel] | None:
        """As ``get_schema``."""
        return cls.get_schema()

    @classmethod
    def get_additional_scope(cls) -> Mapping[str, Any]:
        """Names that the component's file may use."""
        return {}

    @classmethod
    def get_description(cls) -> str | None:
        """What the class says of itself."""
        return cls.get_spec().description or cls.__doc__

    @classmethod
    def get_spec(cls) -> ComponentTypeSpec:
        """What is said about the class."""
        return ComponentTypeSpec()

    @classmethod
    def load(cls, attributes: BaseModel | None, context: ComponentLoadContext) -> Self:
        """A component whose fields are read from a model."""
        return cls(**resolve_fields(attributes, cls, context.resolution_context)) if attributes else cls()

    @classmethod
    def from_attributes_dict(
        cls, *, attributes: Mapping[str, Any], context: ComponentLoadContext | None = None
    ) -> Self:
        """A component whose fields are read from plain values."""
        resolution = context.resolution_context if context is not None else ResolutionContext()
        return cls(**resolve_fields(attributes, cls, resolution))


def template_var(fn: Callable[..., Any] | None = None) -> Any:
    """Mark a function whose result component files can name; they are not read, so it stays what it is."""
    return fn if fn is not None else template_var


def component_instance(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function in a ``defs`` folder that gives a component, whose definitions are taken."""
    fn.gives_component = True  # type: ignore[attr-defined]
    return fn


def build_defs_for_component(component: Component) -> Definitions:
    """The definitions that a component makes, outside of any project."""
    return component.build_defs(ComponentLoadContext.for_test())
