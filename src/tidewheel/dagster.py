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

__version__ = "1.13.27"
"""The version of Dagster whose behaviour this module follows."""

ALIASES: dict[str, str] = {
    "AssetOrCheckKey": "tidewheel.values.keys:AssetOrCheckKey",
    "CheckError": "tidewheel.errors:CheckError",
    "ConfigSchema": "tidewheel.definitions.config_schema:ConfigSchema",
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
    "DagsterLogManager": "tidewheel.worker.log_manager:RunLog",
    "DagsterMaxRetriesExceededError": "tidewheel.errors:MaxRetriesExceededError",
    "DagsterResourceFunctionError": "ResourceFunctionError",
    "DagsterRun": "Run",
    "DagsterRunAlreadyExists": "tidewheel.errors:RunAlreadyExists",
    "DagsterRunConflict": "tidewheel.errors:RunConflict",
    "DagsterRunMetadataValue": "RunMetadataValue",
    "DagsterRunNotFoundError": "RunNotFoundError",
    "DagsterRunReaction": "tidewheel.definitions.run_status_sensors:RunReaction",
    "DagsterRunStatus": "RunStatus",
    "DagsterStepOutputNotFoundError": "StepOutputNotFoundError",
    "DagsterSubprocessError": "SubprocessError",
    "DagsterType": "RuntimeType",
    "DagsterTypeCheckDidNotPass": "TypeCheckDidNotPass",
    "DagsterTypeCheckError": "TypeCheckError",
    "DagsterTypeLoader": "tidewheel.definitions.types:RuntimeTypeLoader",
    "DagsterTypeLoaderContext": "tidewheel.worker.op_context:OpExecutionContext",
    "DagsterUndefinedDataVersionError": "tidewheel.errors:UndefinedDataVersionError",
    "DagsterUnknownPartitionError": "UnknownPartitionError",
    "DagsterUnknownResourceError": "UnknownResourceError",
    "DagsterUnmetExecutorRequirementsError": "UnmetExecutorRequirementsError",
    "DagsterUserCodeExecutionError": "UserCodeExecutionError",
    "DagsterUserCodeUnreachableError": "tidewheel.errors:UserCodeUnreachableError",
    "ElementCheckError": "tidewheel.errors:ElementCheckError",
    "HookExecutionError": "tidewheel.errors:HookExecutionError",
    "NotImplementedCheckError": "tidewheel.errors:NotImplementedCheckError",
    "ParameterCheckError": "tidewheel.errors:ParameterCheckError",
    "PartitionExecutionError": "tidewheel.errors:PartitionExecutionError",
    "PythonObjectDagsterType": "tidewheel.definitions.types:PythonObjectType",
    "ResourceDependency": "tidewheel.definitions.pythonic_resources:ResourceDependency",
    "RunShardedEventsCursor": "tidewheel.runtime.record_filters:RunShardedEventsCursor",
    "RunStatusSensorExecutionError": "tidewheel.errors:RunStatusSensorExecutionError",
    "ScheduleExecutionError": "tidewheel.errors:ScheduleExecutionError",
    "SensorExecutionError": "tidewheel.errors:SensorExecutionError",
    "SensorReturnTypesUnion": "tidewheel.definitions.sensor_return_types:SensorReturnTypesUnion",
    "SensorType": "tidewheel.definitions.sensors:SensorType",
    "UnresolvedAssetJobDefinition": "tidewheel.definitions.asset_jobs:UnresolvedAssetJobDefinition",
    "check_dagster_type": "tidewheel.definitions.types:check_runtime_type",
    "dagster_type_loader": "tidewheel.definitions.types:runtime_type_loader",
    "default_system_loggers": "tidewheel.definitions.loggers:default_loggers",
    "definitions": "tidewheel.definitions.loaders:definitions",
    "get_dagster_logger": "tidewheel.definitions.loggers:get_run_logger",
    "make_python_type_usable_as_dagster_type": "tidewheel.definitions.types:make_python_type_usable_as_runtime_type",
    "usable_as_dagster_type": "tidewheel.definitions.types:usable_as_runtime_type",
}
"""Dagster's name → ours, where they differ; all other public names are the same."""

NOT_SUPPORTED: dict[str, str] = {
    "AnchorBasedFilePathMapping": "",
    "Any": "",
    "AssetAttributesModel": "",
    "Component": "",
    "ComponentFormConfig": "",
    "ComponentLoadContext": "",
    "ComponentTree": "",
    "ComponentTypeSpec": "",
    "DagsterLibraryRegistry": "",
    "DefinitionsComponent": "",
    "DefsFolderComponent": "",
    "FileHandle": "",
    "FilePathMapping": "",
    "FunctionComponent": "",
    "IAttachDifferentObjectToOpContext": "",
    "Injected": "",
    "LocalFileCodeReference": "",
    "LocalFileHandle": "",
    "MigrateIOStorageResult": "",
    "Model": "",
    "PipesBlobStoreMessageReader": "",
    "PipesCompositeMessageReader": "",
    "PipesContextInjector": "",
    "PipesEnvContextInjector": "",
    "PipesFileContextInjector": "",
    "PipesFileMessageReader": "",
    "PipesLaunchedData": "",
    "PipesLogReader": "",
    "PipesMessageHandler": "",
    "PipesMessageReader": "",
    "PipesTempFileContextInjector": "",
    "PipesTempFileMessageReader": "",
    "PythonScriptComponent": "",
    "ResolutionContext": "",
    "Resolvable": "",
    "ResolvedAssetCheckSpec": "",
    "ResolvedAssetKey": "",
    "ResolvedAssetSpec": "",
    "Resolver": "",
    "ScaffoldRequest": "",
    "Scaffolder": "",
    "SqlComponent": "",
    "StateBackedComponent": "",
    "StepExecutionContext": "",
    "StepLauncher": "",
    "StepRunRef": "",
    "TemplatedSqlComponent": "",
    "UPathDefsStateStorage": "",
    "UrlCodeReference": "",
    "UvRunComponent": "",
    "build_component_defs": "",
    "build_defs_for_component": "",
    "component_defs": "",
    "component_instance": "",
    "create_repository_using_definitions_args": "",
    "deprecation_warning": "",
    "external_instance_from_step_run_ref": "",
    "get_all_components_defs_within_project": "",
    "get_component_defs_within_project": "",
    "link_code_references_to_git": "",
    "load_defs": "",
    "load_from_defs_folder": "",
    "local_file_manager": "",
    "migrate_io_storage": "",
    "raise_execution_interrupts": "",
    "resources": "",
    "run_step_from_ref": "",
    "scaffold_component": "",
    "scaffold_with": "",
    "step_context_to_step_run_ref": "",
    "step_run_ref_to_step_context": "",
    "template_var": "",
    "version": "",
    "with_source_code_references": "",
}
"""Names that Dagster has and we do not (yet), with what to use instead."""

_DEFAULT_ADVICE = "there is no replacement yet; please open an issue that says what you need it for"


class UnsupportedNameError(ImportError):
    """A name of Dagster's that Tidewheel does not have. The message says what to use instead."""


def __getattr__(name: str) -> Any:
    """Look a Dagster name up.

    Raises:
        UnsupportedNameError: for a name that Dagster has and we do not.
        AttributeError: for a name that Dagster does not have either.
    """
    if name in NOT_SUPPORTED:
        raise UnsupportedNameError(
            f"expected a supported name, got dagster.{name}, which Tidewheel does not have: "
            f"{NOT_SUPPORTED[name] or _DEFAULT_ADVICE}"
        )
    target = ALIASES.get(name, name)
    module, _, attribute = target.rpartition(":")
    try:
        value = (
            getattr(importlib.import_module(module), attribute) if module else getattr(tidewheel, attribute)
        )
    except AttributeError as exc:
        raise AttributeError(f"module 'tidewheel.dagster' has no attribute {name!r}") from exc
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*tidewheel.EXPORTS, *ALIASES})


class _SubmoduleFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves ``dagster.<anything private>``: a module that knows all public names.

    Users' files import from private submodules now and then (``dagster._core.errors``); which name lives where is not
    worth knowing, so each such module has them all.
    """

    def __init__(self, top: str) -> None:
        self._prefix = f"{top}._"

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(self._prefix):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Submodule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to execute: names are looked up when asked for."""


class _Submodule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return __getattr__(name)


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


sys.meta_path.insert(0, _SubmoduleFinder(__name__))
__path__: list[str] = []
