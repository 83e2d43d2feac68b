"""Component classes: what files that define them need to load. They are made in Python; ``defs.yaml`` is not read.

A component is a class with fields and a method that makes definitions of them; see ``Component``.
"""

from __future__ import annotations

from tidewheel.dagster.components.bases import (
    Component,
    ComponentTypeSpec,
    build_defs_for_component,
    component_instance,
    template_var,
)
from tidewheel.dagster.components.fields import (
    AssetSpecKeyUpdateKwargs,
    AssetSpecUpdateKwargs,
    Injected,
    Model,
    OpSpec,
    Resolvable,
    ResolvedAssetCheckSpec,
    ResolvedAssetKey,
    ResolvedAssetSpec,
    Resolver,
)
from tidewheel.dagster.components.load_context import ComponentLoadContext, ComponentTree, ResolutionContext
from tidewheel.dagster.components.scaffolders import (
    Scaffolder,
    ScaffoldRequest,
    scaffold_component,
    scaffold_with,
)
from tidewheel.dagster.components.states import (
    DefsStateConfig,
    DefsStateConfigArgs,
    DefsStateManagementType,
    ResolvedDefsStateConfig,
    StateBackedComponent,
)
from tidewheel.dagster.components.translators import (
    ComponentTranslator,
    TranslationFn,
    TranslationFnResolver,
    create_component_translator_cls,
)
from tidewheel.definitions.loading.defs_folder import load_defs, load_from_defs_folder
from tidewheel.definitions.loading.loaders import definitions

__all__ = [
    "AssetSpecKeyUpdateKwargs",
    "AssetSpecUpdateKwargs",
    "Component",
    "ComponentLoadContext",
    "ComponentTranslator",
    "ComponentTree",
    "ComponentTypeSpec",
    "DefsStateConfig",
    "DefsStateConfigArgs",
    "DefsStateManagementType",
    "Injected",
    "Model",
    "OpSpec",
    "ResolutionContext",
    "Resolvable",
    "ResolvedAssetCheckSpec",
    "ResolvedAssetKey",
    "ResolvedAssetSpec",
    "ResolvedDefsStateConfig",
    "Resolver",
    "ScaffoldRequest",
    "Scaffolder",
    "StateBackedComponent",
    "TranslationFn",
    "TranslationFnResolver",
    "build_defs_for_component",
    "component_instance",
    "create_component_translator_cls",
    "definitions",
    "load_defs",
    "load_from_defs_folder",
    "scaffold_component",
    "scaffold_with",
    "template_var",
]
