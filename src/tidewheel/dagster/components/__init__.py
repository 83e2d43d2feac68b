"""Components: classes with fields and a method that makes definitions of them (``Component``), and folders of them.

``load_from_defs_folder`` walks a project's ``defs`` folder: Python files, and ``defs.yaml`` files that name components.
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
    Injected,
    Model,
    Resolvable,
    Resolver,
)
from tidewheel.dagster.components.load_context import (
    ComponentLoadContext,
    ComponentTree,
    load_defs,
    load_from_defs_folder,
)
from tidewheel.dagster.components.ready_components import (
    DefinitionsComponent,
    DefsFolderComponent,
    FunctionComponent,
    FunctionSpec,
    PythonScriptComponent,
    ScriptSpec,
)
from tidewheel.dagster.components.resolution import ResolutionContext
from tidewheel.dagster.components.sandbox import (
    DefsFolderSandbox,
    create_defs_folder_sandbox,
    random_importable_name,
)
from tidewheel.dagster.components.scaffolders import (
    Scaffolder,
    ScaffoldRequest,
    scaffold_component,
    scaffold_with,
)
from tidewheel.dagster.components.spec_fields import (
    AssetSpecKeyUpdateKwargs,
    AssetSpecUpdateKwargs,
    OpSpec,
    ResolvedAssetAttributes,
    ResolvedAssetCheckSpec,
    ResolvedAssetKey,
    ResolvedAssetSpec,
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
from tidewheel.dagster.components.trying import (
    component_defs,
    get_all_components_defs_within_project,
    get_component_defs_within_project,
)
from tidewheel.definitions.loading.loaders import definitions

__all__ = [
    "AssetSpecKeyUpdateKwargs",
    "AssetSpecUpdateKwargs",
    "Component",
    "ComponentLoadContext",
    "ComponentTranslator",
    "ComponentTree",
    "ComponentTypeSpec",
    "DefinitionsComponent",
    "DefsFolderComponent",
    "DefsFolderSandbox",
    "DefsStateConfig",
    "DefsStateConfigArgs",
    "DefsStateManagementType",
    "FunctionComponent",
    "FunctionSpec",
    "Injected",
    "Model",
    "OpSpec",
    "PythonScriptComponent",
    "ResolutionContext",
    "Resolvable",
    "ResolvedAssetAttributes",
    "ResolvedAssetCheckSpec",
    "ResolvedAssetKey",
    "ResolvedAssetSpec",
    "ResolvedDefsStateConfig",
    "Resolver",
    "ScaffoldRequest",
    "Scaffolder",
    "ScriptSpec",
    "StateBackedComponent",
    "TranslationFn",
    "TranslationFnResolver",
    "build_defs_for_component",
    "component_defs",
    "component_instance",
    "create_component_translator_cls",
    "create_defs_folder_sandbox",
    "definitions",
    "get_all_components_defs_within_project",
    "get_component_defs_within_project",
    "load_defs",
    "load_from_defs_folder",
    "random_importable_name",
    "scaffold_component",
    "scaffold_with",
    "template_var",
]
