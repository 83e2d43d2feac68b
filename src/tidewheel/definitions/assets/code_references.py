"""Where an asset's code is: in a file of this machine, or at an address of a source repository."""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from tidewheel.definitions.assets.asset_spec import AssetSpec
from tidewheel.definitions.assets.definition import AssetsDefinition
from tidewheel.definitions.checks.definition import AssetChecksDefinition
from tidewheel.errors import ParameterCheckError
from tidewheel.values.metadata import MetadataValue

CODE_REFERENCES_KEY = "dagster/code_references"
"""Metadata label of an asset's code references."""

Platform = Literal["github", "gitlab"]


class LocalFileCodeReference(msgspec.Struct, frozen=True, kw_only=True, tag="local_file", tag_field="kind"):
    """A place in a file of the machine that the code runs on."""

    file_path: str
    line_number: int | None = None
    label: str | None = None

    @property
    def source(self) -> str:
        """File and line in one text."""
        return self.file_path if self.line_number is None else f"{self.file_path}:{self.line_number}"


class UrlCodeReference(msgspec.Struct, frozen=True, kw_only=True, tag="url", tag_field="kind"):
    """A page that shows the code."""

    url: str
    label: str | None = None

    @property
    def source(self) -> str:
        """The address."""
        return self.url


class CodeReferencesMetadataValue(
    # stored and sent as JSON metadata: whoever reads it without this class still sees the references
    MetadataValue,
    frozen=True,
    kw_only=True,
    tag="json",
    rename={"code_references": "data"},
):
    """The code references of an asset, under the metadata label ``dagster/code_references``."""

    code_references: list[LocalFileCodeReference | UrlCodeReference]

    @property
    def value(self) -> CodeReferencesMetadataValue:
        """The references themselves."""
        return self


def code_references_of(metadata: Any) -> list[LocalFileCodeReference | UrlCodeReference]:
    """The code references in an asset's metadata, in whatever form they are there."""
    found = metadata.get(CODE_REFERENCES_KEY)
    if isinstance(found, CodeReferencesMetadataValue):
        return list(found.code_references)
    data = getattr(found, "value", found)
    if not isinstance(data, list):
        return []
    return msgspec.convert(data, list[LocalFileCodeReference | UrlCodeReference])


def with_source_code_references(assets_defs: Sequence[Any]) -> Sequence[Any]:
    """The same definitions, those made by a function with a reference to its file and line in their metadata."""
    return [_with_function_reference(one) for one in assets_defs]


def _with_function_reference(one: Any) -> Any:
    if not isinstance(one, AssetsDefinition) or isinstance(one, AssetChecksDefinition):
        return one
    reference = reference_of(_function_of(one))
    if reference is None:
        return one

    def add(references: list[Any]) -> list[Any]:
        return references if reference in references else [*references, reference]

    return one.map_asset_specs(lambda spec: _changed(spec, add))


def reference_of(fn: Any) -> LocalFileCodeReference | None:
    """Where a function is written; None when that is not known (it was made by a program, or typed in)."""
    if fn is None:
        return None
    plain = inspect.unwrap(fn)
    try:
        path = inspect.getsourcefile(plain)
    except TypeError:
        return None
    code = getattr(plain, "__code__", None)
    if path is None or code is None or not os.path.isfile(path):
        return None
    return LocalFileCodeReference(file_path=os.path.abspath(path), line_number=code.co_firstlineno)


def _function_of(definition: AssetsDefinition) -> Any:
    known = definition.__dict__.get("__wrapped__")
    if known is not None:
        return known
    node = definition.computation.node_def if definition.computation is not None else None
    return getattr(node, "compute_fn", None) or getattr(node, "__wrapped__", None)


class FilePathMapping(ABC):
    """Turns paths of this machine into paths inside a source repository."""

    @abstractmethod
    def convert_to_source_control_path(self, local_path: Path) -> str:
        """The path inside the repository, with forward slashes."""


class AnchorBasedFilePathMapping(FilePathMapping):
    """A mapping by one file (or folder) whose place is known on both sides."""

    def __init__(self, local_file_anchor: Path, file_anchor_path_in_repository: str) -> None:
        self.local_file_anchor = Path(local_file_anchor)
        self.file_anchor_path_in_repository = file_anchor_path_in_repository

    def convert_to_source_control_path(self, local_path: Path) -> str:
        """The path inside the repository that lies to the anchor as the local path does to the local anchor."""
        local = Path(local_path).resolve()
        relative = os.path.relpath(local, self.local_file_anchor.resolve())
        return os.path.normpath(os.path.join(self.file_anchor_path_in_repository, relative)).replace(
            os.sep, "/"
        )


def link_code_references_to_git(
    assets_defs: Sequence[Any],
    git_url: str,
    git_branch: str,
    file_path_mapping: FilePathMapping,
    platform: Platform | None = None,
) -> Sequence[Any]:
    """The same definitions, references to local files replaced by addresses of a hosted repository.

    Raises:
        ValueError: when the platform cannot be told from the address.
    """
    base = _base_url(git_url, git_branch, platform)

    def linked(reference: Any) -> Any:
        if not isinstance(reference, LocalFileCodeReference):
            return reference
        path = file_path_mapping.convert_to_source_control_path(Path(reference.file_path))
        line = f"#L{reference.line_number}" if reference.line_number is not None else ""
        return UrlCodeReference(url=f"{base}/{path}{line}", label=reference.label)

    def change(spec: AssetSpec) -> AssetSpec:
        return _changed(spec, lambda references: [linked(one) for one in references])

    return [mapped_specs(one, change) for one in assets_defs]


def mapped_specs(one: Any, change: Callable[[AssetSpec], AssetSpec]) -> Any:
    """A definition with its asset specs changed; what has none stays what it is."""
    if isinstance(one, AssetSpec):
        return change(one)
    if isinstance(one, AssetsDefinition) and not isinstance(one, AssetChecksDefinition):
        return one.map_asset_specs(change)
    return one


def _changed(spec: AssetSpec, change: Callable[[list[Any]], list[Any]]) -> AssetSpec:
    references = change(code_references_of(spec.metadata))
    if not references:
        return spec
    value = CodeReferencesMetadataValue(code_references=references)
    return spec.replace_attributes(metadata={**spec.metadata, CODE_REFERENCES_KEY: value})


def _base_url(git_url: str, git_branch: str, platform: str | None) -> str:
    host = git_url.rstrip("/")
    if host.startswith("git@"):  # git@host:owner/name.git is for git; browsers need https
        host = "https://" + host.removeprefix("git@").replace(":", "/", 1)
    host = host.removesuffix(".git")
    kind = platform or next((name for name in ("gitlab", "github") if name in host), None)
    if kind == "github":
        return f"{host}/tree/{git_branch}"
    if kind == "gitlab":
        return f"{host}/-/tree/{git_branch}"
    if platform is not None:
        raise ParameterCheckError(f"expected platform as 'github' or 'gitlab', got {platform!r}")
    raise ValueError(
        f"expected an address of GitHub or GitLab, got {git_url!r}; pass platform='github' or 'gitlab'"
    )
