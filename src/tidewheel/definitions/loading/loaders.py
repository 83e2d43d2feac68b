"""Finds the definitions of a module: a ``Definitions`` object, ``@definitions``, a ``@repository``, or loose ones."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.assets.definition import AssetsDefinition
from tidewheel.definitions.assets.source_assets import SourceAsset
from tidewheel.definitions.checks.definition import AssetChecksDefinition
from tidewheel.definitions.jobs.asset_jobs import UnresolvedAssetJobDefinition
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.module_assets import members_of, module_of_frame, modules_of_package
from tidewheel.definitions.loading.repository import RepositoryDefinition
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.triggers.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from tidewheel.definitions.triggers.schedules import ScheduleDefinition
from tidewheel.definitions.triggers.sensors import SensorDefinition
from tidewheel.errors import InvariantViolationError, ParameterCheckError


class LazyDefinitions:
    """A function that makes definitions when it is called."""

    def __init__(self, fn: Callable[..., Any], *, takes_context: bool) -> None:
        self.load_fn = fn
        self.takes_context = takes_context
        functools.update_wrapper(self, fn)

    def __call__(self, context: Any = None) -> Any:
        """The definitions.

        Raises:
            InvariantViolationError: when the function returns something else.
        """
        made = self.load_fn(context) if self.takes_context else self.load_fn()
        if not isinstance(made, Definitions | RepositoryDefinition):
            raise InvariantViolationError(
                f"function {self.load_fn.__name__!r}: expected it to return Definitions, got {made!r} "
                f"({type(made).__name__})"
            )
        return made


def definitions(fn: Callable[..., Any]) -> LazyDefinitions:
    """Decorate a function without parameters (or with one for the load context) that returns ``Definitions``.

    Raises:
        InvariantViolationError: when it has other parameters.
    """
    parameters = list(inspect.signature(fn).parameters.values())
    if len(parameters) > 1:
        raise InvariantViolationError(
            f"function {fn.__name__!r}: expected no parameter or one for the load context, got {len(parameters)}"
        )
    return LazyDefinitions(fn, takes_context=bool(parameters))


def find_definitions(module: ModuleType) -> Definitions:
    """The definitions of a module.

    A ``Definitions`` object or function decorated with ``@definitions`` (there may be one), else repositories, else all
    jobs, assets, checks, schedules and sensors that are module-level names.

    Raises:
        InvariantViolationError: when there are several ``Definitions``, or nothing at all.
    """
    whole = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, Definitions | LazyDefinitions)
    }
    found = list({id(value): value for value in whole.values()}.values())
    if len(found) > 1:
        raise InvariantViolationError(
            f"module {module.__name__!r}: expected one Definitions object, got {len(found)} "
            f"({', '.join(sorted(whole))}); join them with Definitions.merge(...)"
        )
    if found:
        return _called(found[0])
    repositories = _distinct(
        value for value in vars(module).values() if isinstance(value, RepositoryDefinition)
    )
    if repositories:
        return merged_repositories(repositories)
    names = [name for name in vars(module) if not name.startswith("__")]
    if len(names) == 1 and inspect.isfunction(vars(module)[names[0]]):
        return definitions_of(vars(module)[names[0]])
    loose = loose_definitions([module])
    if loose is None:
        raise InvariantViolationError(
            f"module {module.__name__!r}: expected definitions, got none; make defs = Definitions(...) at its top level"
        )
    return loose


def definitions_of(found: Any) -> Definitions:
    """The definitions that an object is or gives when it is called.

    Raises:
        InvariantViolationError: when it is something else.
    """
    if isinstance(found, Definitions | LazyDefinitions):
        return _called(found)
    if isinstance(found, RepositoryDefinition):
        return merged_repositories([found])
    if inspect.isfunction(found):
        return definitions_of(found())
    holder = ModuleType("definitions")
    holder.found = found  # type: ignore[attr-defined]
    loose = loose_definitions([holder])
    if loose is None:
        raise InvariantViolationError(
            f"expected Definitions, a repository or a definition, got {found!r} ({type(found).__name__})"
        )
    return loose


def _called(found: Definitions | LazyDefinitions) -> Definitions:
    made = found() if isinstance(found, LazyDefinitions) else found
    return merged_repositories([made]) if isinstance(made, RepositoryDefinition) else made


def merged_repositories(repositories: Iterable[RepositoryDefinition]) -> Definitions:
    """The contents of repositories as definitions."""
    parts = [Definitions(**one.resolved.raw) for one in repositories]
    return parts[0] if len(parts) == 1 else Definitions.merge(*parts)


def loose_definitions(modules: Iterable[ModuleType], **options: Any) -> Definitions | None:
    """Everything that is defined at the top level of some modules; None when there is nothing."""
    values = _distinct(value for module in modules for _, value in members_of(module))
    assets = [
        one
        for one in values
        if isinstance(one, AssetsDefinition | SourceAsset | AssetSpec)
        and not isinstance(one, AssetChecksDefinition)
    ]
    checks = [one for one in values if isinstance(one, AssetChecksDefinition)]
    jobs = [one for one in values if isinstance(one, JobDefinition | UnresolvedAssetJobDefinition)]
    schedules = [
        one
        for one in values
        if isinstance(one, ScheduleDefinition | UnresolvedPartitionedAssetScheduleDefinition)
    ]
    sensors = [one for one in values if isinstance(one, SensorDefinition)]
    if not (assets or checks or jobs or schedules or sensors):
        graphs = [one for one in values if isinstance(one, GraphDefinition)]
        if len(graphs) != 1:
            return None
        jobs = [graphs[0].to_job()]
    return Definitions(
        assets=assets, asset_checks=checks, jobs=jobs, schedules=schedules, sensors=sensors, **options
    )


def load_definitions_from_modules(
    modules: Iterable[ModuleType],
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """Everything that is defined at the top level of some modules."""
    given = list(modules)
    for one in given:
        if not isinstance(one, ModuleType):
            raise ParameterCheckError(f"expected modules, got {one!r} ({type(one).__name__})")
    options = {"resources": resources, "loggers": loggers, "executor": executor}
    return loose_definitions(given, **options) or Definitions(**options)  # type: ignore[arg-type]


def load_definitions_from_module(
    module: ModuleType,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """Everything that is defined at the top level of a module."""
    return load_definitions_from_modules([module], resources, loggers, executor)


def load_definitions_from_current_module(
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """As ``load_definitions_from_module``, of the module that calls it."""
    return load_definitions_from_module(module_of_frame(2), resources, loggers, executor)


def load_definitions_from_package_module(
    package_module: ModuleType,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """As ``load_definitions_from_modules``, of a package and everything below it."""
    return load_definitions_from_modules(modules_of_package(package_module), resources, loggers, executor)


def load_definitions_from_package_name(
    package_name: str,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """As ``load_definitions_from_package_module``, of a package by name."""
    return load_definitions_from_package_module(
        importlib.import_module(package_name), resources, loggers, executor
    )


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({id(value): value for value in values}.values())
