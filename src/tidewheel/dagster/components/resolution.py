"""Where a value of a component's file stands: the names that its expressions may use, and its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tidewheel.dagster.components.templates import names_of_every_file, rendered
from tidewheel.errors import InvalidDefinitionError


@dataclass(frozen=True)
class ResolutionContext:
    """What names in a component's file stand for, and where in it a value is."""

    scope: Mapping[str, Any] = field(default_factory=names_of_every_file)
    path: tuple[str | int, ...] = ()
    source: Path | None = None
    """The file, where there is one."""

    @staticmethod
    def default(source_position_tree: Any = None) -> ResolutionContext:
        """A context with the names that every file may use."""
        return ResolutionContext()

    def with_scope(self, **additional_scope: Any) -> ResolutionContext:
        """A copy that knows more names."""
        return replace(self, scope={**self.scope, **additional_scope})

    def at_path(self, path_part: str | int) -> ResolutionContext:
        """A copy for a part of the value."""
        return replace(self, path=(*self.path, path_part))

    def in_file(self, source: Path) -> ResolutionContext:
        """A copy for a file."""
        return replace(self, source=source)

    def resolve_value(self, val: Any, as_type: type | None = None) -> Any:
        """The value with its expressions evaluated, at any depth.

        Raises:
            InvalidDefinitionError: when an expression cannot be evaluated.
        """
        try:
            return rendered(val, self.scope)
        except InvalidDefinitionError as exc:
            raise self.mistake(str(exc)) from exc

    def resolve_source_relative_path(self, value: str) -> Path:
        """A path from the folder of the file (from the current folder where there is no file)."""
        folder = self.source.parent if self.source is not None else Path.cwd()
        return (folder / value).absolute()

    def mistake(self, text: str) -> InvalidDefinitionError:
        """What to raise about the value, with its place."""
        place = ".".join(map(str, self.path))
        where = ": ".join(part for part in (str(self.source or ""), place) if part)
        return InvalidDefinitionError(f"{where}: {text}" if where and not text.startswith(where) else text)
