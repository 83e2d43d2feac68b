"""``Component``: a class that makes definitions of its own fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel

from tidewheel.dagster.components.fields import Resolvable, resolve_object
from tidewheel.dagster.components.folder_walk import component_of, components_of_file
from tidewheel.dagster.components.load_context import ComponentLoadContext
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.errors import InvalidDefinitionError


@dataclass(frozen=True)
class ComponentTypeSpec:
    """What is said about a class of components."""

    description: str | None = None
    tags: Sequence[str] = ()
    owners: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Component(ABC):
    """Makes definitions from its own fields."""

    @abstractmethod
    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The component's definitions."""

    @classmethod
    def get_schema(cls) -> type[BaseModel] | None:
        """The model of the attributes that its file gives; None when it takes none."""
        return cls.get_model_cls()

    @classmethod
    def get_model_cls(cls) -> type[BaseModel] | None:
        """As ``get_schema``: that of the fields, for a class that can be read from plain values."""
        if issubclass(cls, Resolvable):
            return cls.model()
        return cls if issubclass(cls, BaseModel) else None

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
        if attributes is None:
            return cls()
        if issubclass(cls, Resolvable):
            return cls.resolve_from_model(context.resolution_context.at_path("attributes"), attributes)
        made: Self = resolve_object(cls, attributes, context.resolution_context.at_path("attributes"))
        return made

    @classmethod
    def from_attributes_dict(
        cls, *, attributes: Mapping[str, Any], context: ComponentLoadContext | None = None
    ) -> Self:
        """A component whose fields are read from plain values."""
        made: Self = component_of(cls, attributes, context or ComponentLoadContext.for_test())
        return made

    @classmethod
    def from_yaml_path(cls, yaml_path: Path, context: ComponentLoadContext | None = None) -> Component:
        """The component that a file names.

        Raises:
            InvalidDefinitionError: when it names several.
        """
        file = Path(yaml_path).absolute()
        found = components_of_file((context or ComponentLoadContext.for_test()).for_path(file.parent), file)
        if len(found) != 1:
            raise InvalidDefinitionError(f"{file}: expected one component, got {len(found)}")
        made: Component = found[0].component
        return made


def template_var(fn: Callable[..., Any] | None = None) -> Any:
    """Mark a function (of the load context, or of nothing) whose result component files can name."""
    if fn is None:
        return template_var
    fn.is_template_var = True  # type: ignore[attr-defined]
    return fn


def component_instance(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function in a ``defs`` folder that gives a component, whose definitions are taken."""
    fn.gives_component = True  # type: ignore[attr-defined]
    return fn


def build_defs_for_component(component: Component) -> Definitions:
    """The definitions that a component makes, outside of any project."""
    return component.build_defs(ComponentLoadContext.for_test())
