"""Dagster's spellings of the public names, for code that comes from there.

``import tidewheel.dagster as dg`` gives every supported name under the name that Dagster users know. ``install()`` makes
``import dagster`` (and its submodules) mean this module in the present process: that is what ``--as-dagster`` does.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import tidewheel
from tidewheel import errors
from tidewheel.dagster.private_names import PRIVATE_NAMES
from tidewheel.dagster.stand_ins import UnsupportedAttributeError, UnsupportedNameError, stand_in, unsupported
from tidewheel.runtime.views.error_view import SHOWN_NAMES

__version__ = "1.13.27"
"""The version of Dagster whose behaviour this module follows."""

ALIASES: dict[str, str] = {
    "AnchorBasedFilePathMapping": "tidewheel.definitions.assets.code_references:AnchorBasedFilePathMapping",
    "Any": "typing:Any",
    "AssetOrCheckKey": "tidewheel.values.keys:AssetOrCheckKey",
    "CheckError": "tidewheel.errors:CheckError",
    "Component": "tidewheel.dagster.components:Component",
    "ComponentLoadContext": "tidewheel.dagster.components:ComponentLoadContext",
    "ComponentTree": "tidewheel.dagster.components:ComponentTree",
    "ComponentTypeSpec": "tidewheel.dagster.components:ComponentTypeSpec",
    "ConfigSchema": "tidewheel.definitions.config.config_schema:ConfigSchema",
    "DagsterAssetCheckFailedError": "tidewheel.errors:AssetCheckFailedError",
    "DagsterAssetMetadataValue": "AssetMetadataValue",
    "DagsterCodeLocationLoadError": "tidewheel.errors:CodeLocationLoadError",
    "DagsterCodeLocationNotFoundError": "tidewheel.errors:CodeLocationNotFoundError",
    "DagsterConfigMappingFunctionError": "ConfigMappingFunctionError",
    "DagsterError": "TidewheelError",
    "DagsterEvent": "RunEvent",
    "DagsterEventType": "EventType",
    "DagsterEventLogInvalidForRun": "tidewheel.errors:EventLogInvalidForRun",
    "DagsterExecutionHandleOutputError": "tidewheel.errors:ExecutionHandleOutputError",
    "DagsterExecutionInterruptedError": "ExecutionInterruptedError",
    "DagsterExecutionLoadInputError": "tidewheel.errors:ExecutionLoadInputError",
    "DagsterExecutionStepExecutionError": "ExecutionStepExecutionError",
    "DagsterExecutionStepNotFoundError": "tidewheel.errors:StepNotFoundError",
    "DagsterHomeNotSetError": "tidewheel.errors:HomeNotSetError",
    "DagsterInstance": "Instance",
    "DagsterInvalidAssetKey": "tidewheel.errors:InvalidAssetKey",
    "DagsterInvalidConfigDefinitionError": "InvalidConfigDefinitionError",
    "DagsterInvalidConfigError": "InvalidConfigError",
    "DagsterInvalidDefinitionError": "InvalidDefinitionError",
    "DagsterInvalidInvocationError": "InvalidInvocationError",
    "DagsterInvalidMetadata": "tidewheel.errors:InvalidMetadata",
    "DagsterInvalidObservationError": "tidewheel.errors:InvalidObservationError",
    "DagsterInvalidPropertyError": "tidewheel.errors:InvalidPropertyError",
    "DagsterInvalidPythonicConfigDefinitionError": "tidewheel.errors:InvalidPythonicConfigDefinitionError",
    "DagsterInvalidSubsetError": "InvalidSubsetError",
    "DagsterInvariantViolationError": "InvariantViolationError",
    "DagsterJobMetadataValue": "JobMetadataValue",
    "DagsterLogManager": "tidewheel.worker.environment.log_manager:RunLog",
    "DagsterMaxRetriesExceededError": "tidewheel.errors:MaxRetriesExceededError",
    "DagsterResourceFunctionError": "ResourceFunctionError",
    "DagsterRun": "Run",
    "DagsterRunAlreadyExists": "tidewheel.errors:RunAlreadyExists",
    "DagsterRunConflict": "tidewheel.errors:RunConflict",
    "DagsterRunMetadataValue": "RunMetadataValue",
    "DagsterRunNotFoundError": "RunNotFoundError",
    "DagsterRunReaction": "tidewheel.definitions.triggers.run_status_sensors:RunReaction",
    "DagsterRunStatus": "RunStatus",
    "DagsterStepOutputNotFoundError": "StepOutputNotFoundError",
    "DagsterSubprocessError": "SubprocessError",
    "DagsterType": "RuntimeType",
    "DagsterTypeCheckDidNotPass": "TypeCheckDidNotPass",
    "DagsterTypeCheckError": "TypeCheckError",
    "DagsterTypeLoader": "tidewheel.definitions.ops.types:RuntimeTypeLoader",
    "DagsterTypeLoaderContext": "tidewheel.worker.contexts.op_context:OpExecutionContext",
    "DagsterUndefinedDataVersionError": "tidewheel.errors:UndefinedDataVersionError",
    "DagsterUnknownPartitionError": "UnknownPartitionError",
    "DagsterUnknownResourceError": "UnknownResourceError",
    "DagsterUnmetExecutorRequirementsError": "UnmetExecutorRequirementsError",
    "DagsterUserCodeExecutionError": "UserCodeExecutionError",
    "DagsterUserCodeUnreachableError": "tidewheel.errors:UserCodeUnreachableError",
    "DefinitionsComponent": "tidewheel.dagster.components:DefinitionsComponent",
    "DefsFolderComponent": "tidewheel.dagster.components:DefsFolderComponent",
    "FunctionComponent": "tidewheel.dagster.components:FunctionComponent",
    "PythonScriptComponent": "tidewheel.dagster.components:PythonScriptComponent",
    "ElementCheckError": "tidewheel.errors:ElementCheckError",
    "FileHandle": "tidewheel.definitions.resources.file_managers:FileHandle",
    "FilePathMapping": "tidewheel.definitions.assets.code_references:FilePathMapping",
    "HookExecutionError": "tidewheel.errors:HookExecutionError",
    "IAttachDifferentObjectToOpContext": "tidewheel.definitions.resources.pythonic_resources:AttachesDifferentObject",
    "LocalFileCodeReference": "tidewheel.definitions.assets.code_references:LocalFileCodeReference",
    "Injected": "tidewheel.dagster.components:Injected",
    "LocalFileHandle": "tidewheel.definitions.resources.file_managers:LocalFileHandle",
    "Model": "tidewheel.dagster.components:Model",
    "NotImplementedCheckError": "tidewheel.errors:NotImplementedCheckError",
    "ParameterCheckError": "tidewheel.errors:ParameterCheckError",
    "PartitionExecutionError": "tidewheel.errors:PartitionExecutionError",
    "PythonObjectDagsterType": "tidewheel.definitions.ops.types:PythonObjectType",
    "ResolutionContext": "tidewheel.dagster.components:ResolutionContext",
    "Resolvable": "tidewheel.dagster.components:Resolvable",
    "ResolvedAssetCheckSpec": "tidewheel.dagster.components:ResolvedAssetCheckSpec",
    "ResolvedAssetKey": "tidewheel.dagster.components:ResolvedAssetKey",
    "ResolvedAssetSpec": "tidewheel.dagster.components:ResolvedAssetSpec",
    "Resolver": "tidewheel.dagster.components:Resolver",
    "ResourceDependency": "tidewheel.definitions.resources.pythonic_resources:ResourceDependency",
    "RunShardedEventsCursor": "tidewheel.runtime.views.record_filters:RunShardedEventsCursor",
    "RunStatusSensorExecutionError": "tidewheel.errors:RunStatusSensorExecutionError",
    "ScaffoldRequest": "tidewheel.dagster.components:ScaffoldRequest",
    "Scaffolder": "tidewheel.dagster.components:Scaffolder",
    "ScheduleExecutionError": "tidewheel.errors:ScheduleExecutionError",
    "SensorExecutionError": "tidewheel.errors:SensorExecutionError",
    "StateBackedComponent": "tidewheel.dagster.components:StateBackedComponent",
    "UrlCodeReference": "tidewheel.definitions.assets.code_references:UrlCodeReference",
    "build_defs_for_component": "tidewheel.dagster.components:build_defs_for_component",
    "SensorReturnTypesUnion": "tidewheel.definitions.triggers.sensor_return_types:SensorReturnTypesUnion",
    "SensorType": "tidewheel.definitions.triggers.sensors:SensorType",
    "UnresolvedAssetJobDefinition": "tidewheel.definitions.jobs.asset_jobs:UnresolvedAssetJobDefinition",
    "component_defs": "tidewheel.dagster.components:component_defs",
    "get_all_components_defs_within_project": "tidewheel.dagster.components:get_all_components_defs_within_project",
    "get_component_defs_within_project": "tidewheel.dagster.components:get_component_defs_within_project",
    "check_dagster_type": "tidewheel.definitions.ops.types:check_runtime_type",
    "dagster_type_loader": "tidewheel.definitions.ops.types:runtime_type_loader",
    "component_instance": "tidewheel.dagster.components:component_instance",
    "default_system_loggers": "tidewheel.definitions.jobs.loggers:default_loggers",
    "definitions": "tidewheel.definitions.loading.loaders:definitions",
    "deprecation_warning": "tidewheel.definitions.api_markers:deprecation_warning",
    "get_dagster_logger": "tidewheel.definitions.jobs.loggers:get_run_logger",
    "link_code_references_to_git": "tidewheel.definitions.assets.code_references:link_code_references_to_git",
    "load_defs": "tidewheel.dagster.components:load_defs",
    "load_from_defs_folder": "tidewheel.dagster.components:load_from_defs_folder",
    "local_file_manager": "tidewheel.definitions.resources.file_managers:local_file_manager",
    "make_python_type_usable_as_dagster_type": "tidewheel.definitions.ops.types:make_python_type_usable_as_runtime_type",
    "raise_execution_interrupts": "tidewheel.dagster.small_functions:raise_execution_interrupts",
    "scaffold_component": "tidewheel.dagster.components:scaffold_component",
    "scaffold_with": "tidewheel.dagster.components:scaffold_with",
    "template_var": "tidewheel.dagster.components:template_var",
    "usable_as_dagster_type": "tidewheel.definitions.ops.types:usable_as_runtime_type",
    "with_source_code_references": "tidewheel.definitions.assets.code_references:with_source_code_references",
}
"""Dagster's name → ours, where they differ; all other public names are the same."""

NOT_SUPPORTED: dict[str, str] = {
    "AssetAttributesModel": "",
    "ComponentFormConfig": "",
    "DagsterLibraryRegistry": "",
    "MigrateIOStorageResult": "",
    "SqlComponent": "",
    "TemplatedSqlComponent": "",
    "UPathDefsStateStorage": "",
    "UvRunComponent": "",
    "build_component_defs": "",
    "create_repository_using_definitions_args": "",
    "migrate_io_storage": "",
    "resources": "",
}
"""Names that Dagster has and we do not (yet), with what to use instead."""

ONLY_IMPORTED = frozenset(
    {
        "StepExecutionContext",
        "StepLauncher",
        "StepRunRef",
        "external_instance_from_step_run_ref",
        "run_step_from_ref",
        "step_context_to_step_run_ref",
        "step_run_ref_to_step_context",
    }
)
"""Names of Dagster's that packages for other systems import beside what they use: they can be imported, not used."""

_COMPONENTS = f"{__name__}.components"
_LESSER_MODULES = ("deprecated", "preview", "version")
"""Public modules of Dagster's that have names of its private ones."""
_DEFAULT_ADVICE = "there is no replacement yet; please open an issue that says what you need it for"


def __getattr__(name: str) -> Any:
    """Look a Dagster name up.

    Raises:
        UnsupportedAttributeError: for a name that Dagster has and we do not (imported by name: UnsupportedNameError).
        AttributeError: for a name that Dagster does not have either.
    """
    if name in NOT_SUPPORTED:
        raise UnsupportedAttributeError(_not_supported(name))
    if name in ONLY_IMPORTED:
        return stand_in(f"dagster.{name}")
    if name == "__all__":  # made late, since the names that are the same everywhere are many
        return __dir__()
    try:
        value = _found(ALIASES.get(name, name))
    except AttributeError as exc:
        raise AttributeError(f"module 'tidewheel.dagster' has no attribute {name!r}") from exc
    globals()[name] = value
    return value


def _not_supported(name: str) -> str:
    return (
        f"expected a supported name, got dagster.{name}, which Tidewheel does not have: "
        f"{NOT_SUPPORTED[name] or _DEFAULT_ADVICE}"
    )


def _found(target: str) -> Any:
    module, _, attribute = target.rpartition(":")
    return getattr(importlib.import_module(module), attribute) if module else getattr(tidewheel, attribute)


def __dir__() -> list[str]:
    return sorted({*tidewheel.EXPORTS, *ALIASES})


__all__ = sorted({*tidewheel.EXPORTS, *ALIASES} - set(NOT_SUPPORTED))


class _SubmoduleFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves ``dagster.<anything private>``: a module that knows all names; and what is below ``dagster.components``.

    Users' files import from private submodules now and then (``dagster._core.errors``); which name lives where is not
    worth knowing, so each such module has them all. Python asks for a module too when a name that a package does not
    have is imported from it (``from dagster import SqlComponent``): there names that are not supported say so.
    """

    def __init__(self, top: str) -> None:
        self._top = top
        self._private = tuple(f"{top}.{name}" for name in ("_", *_LESSER_MODULES))
        self._components = f"{top}.components"

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        parent, _, name = fullname.rpartition(".")
        if name in NOT_SUPPORTED and parent in (self._top, self._components):
            raise UnsupportedNameError(_not_supported(name), name=name)
        if name != name.lower():  # a class or constant is no module
            return None
        if fullname.startswith(self._private) or fullname == self._components != _COMPONENTS:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        if not fullname.startswith(f"{self._components}."):
            return None
        is_ours = self._components == _COMPONENTS and importlib.machinery.PathFinder.find_spec(fullname, path)
        return None if is_ours else importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Submodule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to execute: names are looked up when asked for. ``dagster.components`` is our module of that name.

        What Dagster carries copies of (``dagster._vendored.dateutil``) is the package itself.
        """
        vendored = module.__name__.partition("._vendored.")[2]
        if vendored and importlib.util.find_spec(vendored.partition(".")[0]) is not None:
            sys.modules[module.__name__] = importlib.import_module(vendored)
        if module.__name__ == self._components:
            sys.modules[module.__name__] = importlib.import_module(_COMPONENTS)


class WholePackageFinder(_SubmoduleFinder):
    """Serves a package of Dagster's that is private as a whole, and everything below it (``dagster_shared.check``)."""

    def __init__(self, top: str) -> None:
        super().__init__(top)
        self._top = top

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A module that knows all names, for the package and each of its modules."""
        is_below = fullname == self._top or fullname.startswith(f"{self._top}.")
        return (
            importlib.machinery.ModuleSpec(fullname, self, is_package=True)
            if is_below and fullname == fullname.lower()
            else None
        )


class _Submodule(ModuleType):
    """A private module, or (as nobody knows which of its names are modules) a function of one that is not supported."""

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return [*globals()["__dir__"](), *PRIVATE_NAMES]
        if name == "__version__":
            return __version__
        if name.startswith("__"):
            raise AttributeError(name)
        if name in PRIVATE_NAMES:
            return _found(PRIVATE_NAMES[name])
        if ".components." in self.__name__ and hasattr(found := importlib.import_module(_COMPONENTS), name):
            return getattr(found, name)
        try:
            return __getattr__(name)
        except AttributeError:
            if not name[:1].isupper():
                raise
        return stand_in(f"{self.__name__}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        if name not in PRIVATE_NAMES:
            raise UnsupportedNameError(unsupported(self.__name__))
        return _found(PRIVATE_NAMES[name])(
            *args, **kwargs
        )  # a function that lives in a module of its own name


def _error_names() -> dict[str, str]:
    """Our names of errors → Dagster's, where they differ."""
    names = {ours.rpartition(":")[2]: name for name, ours in ALIASES.items() if name.startswith("Dagster")}
    return {ours: name for ours, name in names.items() if isinstance(getattr(errors, ours, None), type)}


def install() -> None:
    """Make ``import dagster`` mean this module in the present process.

    Raises:
        RuntimeError: when the real Dagster is imported already.
    """
    known = sys.modules.get("dagster")
    this = sys.modules[__name__]
    if known is this:
        return
    if known is not None:
        raise RuntimeError(
            "expected Dagster not to be imported yet, got it imported from "
            f"{getattr(known, '__file__', None)!r}; call tidewheel.dagster.install() first"
        )
    sys.modules["dagster"] = this
    sys.meta_path.insert(0, _SubmoduleFinder("dagster"))
    if importlib.util.find_spec("dagster_shared") is None:
        sys.meta_path.append(WholePackageFinder("dagster_shared"))
    SHOWN_NAMES.update(_error_names())


sys.meta_path.insert(0, _SubmoduleFinder(__name__))
