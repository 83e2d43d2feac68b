"""For tests of components: their definitions, alone or as a project has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidewheel.dagster.components.bases import Component
from tidewheel.dagster.components.load_context import ComponentLoadContext, ComponentTree
from tidewheel.definitions.loading.collection import Definitions

ComponentWithDefs = tuple[Component, Definitions]


def component_defs(
    *,
    component: Component,
    resources: Mapping[str, Any] | None = None,
    context: ComponentLoadContext | None = None,
) -> Definitions:
    """The definitions of a component, with resources."""
    found = component.build_defs(context or ComponentLoadContext.for_test())
    return Definitions.merge(found, Definitions(resources=resources)) if resources else found


def get_all_components_defs_within_project(
    *, project_root: str | Path, component_path: str | Path
) -> list[ComponentWithDefs]:
    """The components of a folder below a project's definitions, each with its definitions."""
    tree = ComponentTree.for_project(Path(project_root))
    return [(one.component, one.build()) for one in tree.components_at(component_path)]


def get_component_defs_within_project(
    *, project_root: str | Path, component_path: str | Path, instance_key: int = 0
) -> ComponentWithDefs:
    """One of the components of a folder below a project's definitions, with its definitions."""
    found = get_all_components_defs_within_project(project_root=project_root, component_path=component_path)
    return found[instance_key]
