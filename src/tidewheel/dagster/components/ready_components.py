"""Components that every project has: a script, a function, a file of definitions, a folder of them."""

from __future__ import annotations

import importlib
import shlex
import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from tidewheel.dagster.components.bases import Component
from tidewheel.dagster.components.fields import Model, Resolvable, Resolver
from tidewheel.dagster.components.folder_walk import build_files, definitions_in
from tidewheel.dagster.components.load_context import ComponentLoadContext
from tidewheel.dagster.components.resolution import ResolutionContext
from tidewheel.dagster.components.spec_fields import OpSpec, ResolvedAssetCheckSpec, ResolvedAssetSpec
from tidewheel.definitions.assets.multi_asset_decorator import multi_asset
from tidewheel.definitions.checks.check_decorator import multi_asset_check
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.pipes.subprocess_client import PipesSubprocessClient
from tidewheel.errors import InvalidDefinitionError


class _Executable(Component, Model, Resolvable):
    """Assets and checks that one op makes."""

    assets: list[ResolvedAssetSpec] | None = None
    checks: list[ResolvedAssetCheckSpec] | None = None

    @abstractmethod
    def op_spec(self) -> OpSpec:
        """What the op is called, and how it is tagged."""

    @abstractmethod
    def function(self, context: ComponentLoadContext) -> tuple[str, Callable[..., Any]]:
        """What the op does, and its name where it was given none."""

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """One op that makes the assets and checks.

        Raises:
            InvalidDefinitionError: when there are neither assets nor checks.
        """
        spec = self.op_spec()
        name, fn = self.function(context)
        options: dict[str, Any] = {
            "name": spec.name or name,
            "op_tags": spec.tags,
            "description": spec.description,
            "pool": spec.pool,
        }
        if self.assets:
            made = multi_asset(
                specs=self.assets,
                check_specs=self.checks or None,
                backfill_policy=spec.backfill_policy,
                **options,
            )(fn)
            return Definitions(assets=[made])
        if self.checks:
            return Definitions(asset_checks=[multi_asset_check(specs=self.checks, **options)(fn)])
        raise InvalidDefinitionError(
            f"{context.path}: expected assets or checks of {type(self).__name__}, got neither; give it some"
        )


class ScriptSpec(OpSpec):
    """A Python script, and the op that runs it."""

    type: Literal["script"] = "script"
    path: str
    args: list[str] | str | None = None


class PythonScriptComponent(_Executable):
    """Runs a Python script, beside the component's file, that reports what it makes through Pipes."""

    execution: ScriptSpec

    def op_spec(self) -> OpSpec:
        """What the op is called, and how it is tagged."""
        return self.execution

    def function(self, context: ComponentLoadContext) -> tuple[str, Callable[..., Any]]:
        """Runs the script."""
        path = (context.path / self.execution.path).absolute()
        args = self.execution.args or []
        command = [sys.executable, str(path), *(shlex.split(args) if isinstance(args, str) else args)]

        def run(context):  # type: ignore[no-untyped-def]  # assets and checks have contexts of their own
            return PipesSubprocessClient().run(command=command, context=context).get_results()

        return path.stem, run


def _function(context: ResolutionContext, value: Any) -> Callable[..., Any]:
    """A function by its name (``.module.function`` is beside the file), or of an expression."""
    found = context.resolve_value(value)
    if isinstance(found, str):
        load_context = context.scope.get("context")
        name = load_context.absolute_module_name(found) if load_context is not None else found
        module, _, attribute = name.rpartition(".")
        found = getattr(importlib.import_module(module), attribute, None) if module else None
    if not callable(found):
        raise context.mistake(f"expected a function or its name (package.module.function), got {value!r}")
    return found  # type: ignore[no-any-return]


_ResolvedFunction = Annotated[Callable[..., Any], Resolver(_function, model_field_type=str)]


class FunctionSpec(OpSpec):
    """A function, and the op that calls it."""

    type: Literal["function"] = "function"
    fn: _ResolvedFunction


class FunctionComponent(_Executable):
    """Calls a function that gives the results of its assets and checks, as one under ``@multi_asset`` does."""

    execution: FunctionSpec | _ResolvedFunction

    def op_spec(self) -> OpSpec:
        """What the op is called, and how it is tagged."""
        return self.execution if isinstance(self.execution, FunctionSpec) else OpSpec()

    def function(self, context: ComponentLoadContext) -> tuple[str, Callable[..., Any]]:
        """The function itself."""
        fn = self.execution.fn if isinstance(self.execution, FunctionSpec) else self.execution
        return fn.__name__, fn


class DefinitionsComponent(Component, Model, Resolvable):
    """What a Python file, or a folder, defines; the folder of the component's file when none is named."""

    path: str | None = None

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The definitions of the file or folder."""
        path = (context.path / self.path).resolve() if self.path is not None else context.path
        return definitions_in(context, path) if path.suffix == ".py" else build_files(context.for_path(path))


class DefsFolderComponent(Component):
    """Everything that its folder and those below it define."""

    def __init__(self, path: Path | None = None, children: Mapping[Path, Component] | None = None) -> None:
        self.path = path
        self.children = children

    def build_defs(self, context: ComponentLoadContext) -> Definitions:
        """The definitions of the folder."""
        if self.children is not None:
            parts = [one.build_defs(context.for_path(path)) for path, one in self.children.items()]
            return Definitions.merge(*parts)
        return build_files(context.for_path(self.path) if self.path is not None else context)
