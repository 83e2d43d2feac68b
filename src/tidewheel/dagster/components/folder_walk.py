"""Walks the folders of a project's definitions: Python files, and the components that ``defs.yaml`` names."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from tidewheel.dagster.components.component_file import ComponentSaid, component_file, read_components
from tidewheel.dagster.components.origins import with_origin
from tidewheel.dagster.components.post_processing import changed
from tidewheel.definitions.assets.code_references import LocalFileCodeReference
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.loaders import LazyDefinitions, load_definitions_from_module
from tidewheel.definitions.loading.module_assets import members_of
from tidewheel.errors import InvalidDefinitionError, did_you_mean

if TYPE_CHECKING:
    from tidewheel.dagster.components.load_context import ComponentLoadContext

OURS = "tidewheel.dagster"
THEIRS = "dagster"


class Placed(NamedTuple):
    """A component in its folder, with what its file says, if it has one."""

    component: Any
    context: ComponentLoadContext
    said: ComponentSaid | None = None
    line: int = 1

    def build(self) -> Definitions:
        """Its definitions, changed as its file says.

        Raises:
            InvalidDefinitionError: when it gives something else than definitions.
        """
        made = self.component.build_defs(self.context)
        if not isinstance(made, Definitions):
            raise self.context.resolution_context.mistake(
                f"expected {type(self.component).__name__}.build_defs to return Definitions, got {made!r}"
            )
        if self.said is None:
            return with_origin(made, self.component, None)
        changes = self.said.post_processing
        if changes is not None and changes.assets:
            made = changed(made, changes.assets, self.context.resolution_context)
        file = self.context.resolution_context.source
        assert file is not None
        place = LocalFileCodeReference(file_path=str(file), line_number=self.line)
        return with_origin(made, self.component, place)


def build_folder(context: ComponentLoadContext, *, stops_at_keyword: bool = False) -> Definitions:
    """Everything that the context's folder and those below it define, joined.

    ``stops_at_keyword``: of a folder that has a ``definitions.py``, only that file counts.
    """
    file = component_file(context.path)
    if file is not None:
        return merged([one.build() for one in components_of_file(context, file)])
    return build_files(context, stops_at_keyword=stops_at_keyword)


def build_files(context: ComponentLoadContext, *, stops_at_keyword: bool = False) -> Definitions:
    """As ``build_folder``, of the Python files and the folders below, whatever components the folder itself names."""
    folder = context.path
    if stops_at_keyword and (folder / "definitions.py").exists():
        return definitions_in(context, folder / "definitions.py")
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            found.append(build_folder(context.for_path(path), stops_at_keyword=stops_at_keyword))
        elif path.suffix == ".py":
            found.append(definitions_in(context, path))
    return merged(found)


def merged(parts: list[Definitions]) -> Definitions:
    """Definitions joined; one of them stays what it is."""
    return Definitions.merge(*parts) if len(parts) != 1 else parts[0]


def definitions_in(context: ComponentLoadContext, file: Path) -> Definitions:
    """What a Python file defines: one ``Definitions``, functions that give some or a component, or loose ones.

    Raises:
        InvalidDefinitionError: when it has several ``Definitions``, or one beside functions that give some.
    """
    module = context.load_defs_relative_python_module(file)
    whole = list(dict(_by_identity(module, Definitions)).values())
    lazy = list(dict(_by_identity(module, LazyDefinitions)).values())
    if len(whole) > 1 or (whole and lazy):
        raise InvalidDefinitionError(
            f"{file}: expected one Definitions object or functions decorated with @definitions, got "
            f"{len(whole)} and {len(lazy)}; join them"
        )
    if whole:
        return whole[0]
    if lazy and not _component_functions(module):
        return merged([one(context) for one in lazy])
    components = [one.build() for one in components_in(context, module)]
    return merged([*components, *(one(context) for one in lazy), load_definitions_from_module(module)])


def components_in(context: ComponentLoadContext, module: ModuleType) -> list[Placed]:
    """The components that functions of a module give."""
    return [Placed(make(context), context) for make in _component_functions(module)]


def components_below(context: ComponentLoadContext) -> Iterator[Placed]:
    """Every component of a folder and those below it."""
    file = component_file(context.path)
    if file is not None:
        yield from components_of_file(context, file)
        return
    for path in sorted(context.path.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from components_below(context.for_path(path))
        elif path.suffix == ".py":
            yield from components_in(context, context.load_defs_relative_python_module(path))


def components_of_file(context: ComponentLoadContext, file: Path) -> list[Placed]:
    """The components that a file names."""
    return [placed(context, said, file, line) for said, line in read_components(file)]


def placed(context: ComponentLoadContext, said: ComponentSaid, file: Path, line: int) -> Placed:
    """A component made of what its file says.

    Raises:
        InvalidDefinitionError: when there is no such class, or its attributes are wrong.
    """
    inside = context.with_resolution(context.resolution_context.in_file(file))
    kind = component_type(inside, said.type)
    names: dict[str, Any] = {**_template_vars(kind, inside), **kind.get_additional_scope()}
    if said.template_vars_module is not None:
        module = importlib.import_module(inside.absolute_module_name(said.template_vars_module))
        names |= _template_vars(module, inside)
    inside = inside.with_rendering_scope(names)
    return Placed(component_of(kind, said.attributes, inside), inside, said, line)


def component_of(kind: Any, attributes: Mapping[str, Any] | None, context: ComponentLoadContext) -> Any:
    """A component of a class, of plain attributes.

    Raises:
        InvalidDefinitionError: when the attributes do not fit.
    """
    at = context.resolution_context.at_path("attributes")
    model = kind.get_schema()
    try:
        given = model.model_validate(dict(attributes or {})) if model is not None else None
    except ValidationError as exc:
        wrong = {
            str(one["loc"][0]) if one["loc"] else ""
            for one in exc.errors()
            if one["type"] == "extra_forbidden"
        }
        hint = "; ".join(did_you_mean(name, model.model_fields) for name in sorted(wrong))
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in exc.errors())
        raise at.mistake(
            f"expected attributes of {kind.__name__}, got wrong ones: {problems}{f' ({hint})' if hint else ''}"
        ) from exc
    if model is None and attributes:
        raise at.mistake(
            f"expected no attributes for {kind.__name__}, which reads none, got {sorted(attributes)}; make it Resolvable"
        )
    return kind.load(given, context)


def component_type(context: ComponentLoadContext, name: str) -> Any:
    """The class of components that a file names: ``package.module.Class``, or ``.module.Class`` beside the file.

    Raises:
        InvalidDefinitionError: when there is none.
    """
    module_name, _, class_name = context.normalize_component_type_str(name).rpartition(".")
    if module_name == THEIRS or module_name.startswith(f"{THEIRS}.components"):
        module_name = OURS  # as Dagster's names are served here, installed under its name or not
    try:
        module = importlib.import_module(module_name) if module_name else None
        kind = getattr(module, class_name, None)
    except ModuleNotFoundError as exc:
        if exc.name is None or not module_name.startswith(exc.name):
            raise
        kind = None
    if not inspect.isclass(kind) or not hasattr(kind, "build_defs"):
        raise context.resolution_context.mistake(
            f"expected type as a class of components (package.module.Class), got {name!r}, which is "
            f"{'nothing' if kind is None else repr(kind)}"
        )
    return kind


def _template_vars(holder: Any, context: ComponentLoadContext) -> dict[str, Any]:
    """Names that functions marked with ``@template_var`` give."""
    found = {}
    for name in dir(holder):
        fn = inspect.getattr_static(holder, name)
        fn = fn.__func__ if isinstance(fn, staticmethod) else fn
        if getattr(fn, "is_template_var", False) is True:
            found[name] = fn(context) if inspect.signature(fn).parameters else fn()
    return found


def _component_functions(module: ModuleType) -> list[Callable[..., Any]]:
    return [one for one in vars(module).values() if getattr(one, "gives_component", None) is True]


def _by_identity(module: ModuleType, kind: type) -> Iterator[tuple[int, Any]]:
    return ((id(value), value) for _, value in members_of(module, (kind,)))
