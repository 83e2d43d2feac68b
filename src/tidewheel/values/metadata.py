"""Typed metadata that users attach to definitions, outputs and events, in a form that can be stored and shown."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Optional, Union

import msgspec

from tidewheel.errors import CheckError, InvalidMetadata, ParameterCheckError
from tidewheel.values.keys import AssetKey
from tidewheel.values.pydantic_fields import usable_as_field
from tidewheel.values.serde import fits_64_bits

# the kinds under names that methods of the same name do not hide
_BOOL, _FLOAT, _INT, _STR = bool, float, int, str


class WideInt(int):
    """A whole number of more than 64 bits; a class of its own, so that ``serde`` is asked how to write it."""


def with_wide_ints(data: Any) -> Any:
    """JSON data, every whole number of more than 64 bits in it marked; in the ledger these are texts."""
    if isinstance(data, dict):
        return {key: with_wide_ints(inner) for key, inner in data.items()}
    if isinstance(data, list | tuple):
        return [with_wide_ints(inner) for inner in data]
    return data if type(data) is not int or fits_64_bits(data) else WideInt(data)


def _of_kind(value: Any, kind: type) -> Any:
    """The value itself, which may be missing.

    Raises:
        ParameterCheckError: when it is of another kind.
    """
    if value is not None and not isinstance(value, kind):
        raise ParameterCheckError(f"expected metadata of type {kind.__name__}, got {value!r}")
    return value


_Kinds = Mapping[str, tuple[type, ...]]
_Elements = Mapping[str, type]


class MetadataValue(msgspec.Struct, frozen=True):
    """The base of all metadata values, and the place of their constructors (``MetadataValue.text("x")``)."""

    @property
    def value(self) -> Any:
        """The plain Python value."""
        raise NotImplementedError

    @staticmethod
    def text(text: str) -> TextMetadataValue:
        """Plain text."""
        return TextMetadataValue(_of_kind(text, _STR))

    @staticmethod
    def url(url: str) -> UrlMetadataValue:
        """A link."""
        return UrlMetadataValue(_of_kind(url, _STR))

    @staticmethod
    def path(path: str | Path) -> PathMetadataValue:
        """A file or folder."""
        return PathMetadataValue(str(path))

    @staticmethod
    def notebook(path: str | Path) -> NotebookMetadataValue:
        """A notebook file."""
        return NotebookMetadataValue(str(path))

    @staticmethod
    def json(data: Any) -> JsonMetadataValue:
        """Data that can be written as JSON.

        Raises:
            TypeError: when it cannot.
        """
        json.dumps(data)
        return JsonMetadataValue(with_wide_ints(data))

    @staticmethod
    def md(data: str) -> MarkdownMetadataValue:
        """Markdown text."""
        return MarkdownMetadataValue(_of_kind(data, _STR))

    @staticmethod
    def python_artifact(python_artifact: Any) -> PythonArtifactMetadataValue:
        """A reference to a Python class or function."""
        return PythonArtifactMetadataValue(python_artifact.__module__, python_artifact.__qualname__)

    @staticmethod
    def float(value: Any) -> FloatMetadataValue:
        """A floating-point number."""
        return FloatMetadataValue(_of_kind(value, _FLOAT))

    @staticmethod
    def int(value: Any) -> IntMetadataValue:
        """A whole number."""
        return IntMetadataValue(_of_kind(value, _INT))

    @staticmethod
    def bool(value: Any) -> BoolMetadataValue:
        """True or false."""
        return BoolMetadataValue(_of_kind(value, _BOOL))

    @staticmethod
    def timestamp(value: Any) -> TimestampMetadataValue:
        """A moment: seconds since the epoch or an aware datetime.

        Raises:
            CheckError: for a datetime without a time zone, and for anything but a moment.
        """
        if isinstance(value, datetime.datetime):
            if value.tzinfo is None:
                raise CheckError(f"expected a datetime with a time zone, got {value!r}; add tzinfo")
            return TimestampMetadataValue(value.timestamp())
        if isinstance(value, str) or not hasattr(value, "__float__"):
            raise CheckError(f"expected seconds since the epoch or a datetime, got {value!r}")
        return TimestampMetadataValue(value)

    @staticmethod
    def dagster_run(run_id: str) -> RunMetadataValue:
        """A link to a run."""
        return RunMetadataValue(run_id)

    @staticmethod
    def job(job_name: str, location_name: str, *, repository_name: str | None = None) -> JobMetadataValue:
        """A link to a job."""
        return JobMetadataValue(job_name, location_name, repository_name)

    @staticmethod
    def asset(asset_key: AssetKey) -> AssetMetadataValue:
        """A link to an asset."""
        return AssetMetadataValue(AssetKey.from_coercible(asset_key).path)

    @staticmethod
    def null() -> NullMetadataValue:
        """Nothing."""
        return NullMetadataValue()

    @staticmethod
    def pool(pool: str) -> PoolMetadataValue:
        """A link to a concurrency pool."""
        return PoolMetadataValue(pool)

    @staticmethod
    def table(records: Sequence[TableRecord], schema: TableSchema | None = None) -> TableMetadataValue:
        """A small table; without a schema, column types follow the first record.

        Raises:
            ParameterCheckError: when a record is none.
            ValueError: when there is neither a record nor a schema.
        """
        rows = tuple(records)
        wrong = next((row for row in rows if not isinstance(row, TableRecord)), None)
        if wrong is not None:
            raise ParameterCheckError(
                f"expected records as TableRecord, got {wrong!r} ({type(wrong).__name__}); write TableRecord({{...}})"
            )
        return TableMetadataValue(rows, schema or infer_table_schema(rows))

    @staticmethod
    def table_schema(schema: TableSchema) -> TableSchemaMetadataValue:
        """The columns of a table."""
        return TableSchemaMetadataValue(schema)

    @staticmethod
    def column_lineage(lineage: TableColumnLineage) -> TableColumnLineageMetadataValue:
        """Where a table's columns come from."""
        return TableColumnLineageMetadataValue(lineage)

    @staticmethod
    def code_location_reconstruction(data: str) -> CodeLocationReconstructionMetadataValue:
        """Text that a code location needs to load itself again."""
        return CodeLocationReconstructionMetadataValue(data)


class TextMetadataValue(MetadataValue, frozen=True, tag="text"):
    """Plain text."""

    text: Optional[str] = ""  # type: ignore[assignment]

    @property
    def value(self) -> str | None:
        """The text."""
        return self.text


class UrlMetadataValue(MetadataValue, frozen=True, tag="url"):
    """A link."""

    url: Optional[str] = ""  # type: ignore[assignment]

    @property
    def value(self) -> str | None:
        """The address."""
        return self.url


class PathMetadataValue(MetadataValue, frozen=True, tag="path"):
    """A file or folder."""

    path: Optional[str] = ""  # type: ignore[assignment]

    @property
    def value(self) -> str | None:
        """The path's text."""
        return self.path


class NotebookMetadataValue(MetadataValue, frozen=True, tag="notebook"):
    """A notebook file."""

    path: Optional[str] = ""  # type: ignore[assignment]

    @property
    def value(self) -> str | None:
        """The path's text."""
        return self.path


class JsonMetadataValue(MetadataValue, frozen=True, tag="json"):
    """Data that can be written as JSON."""

    data: Any = None

    @property
    def value(self) -> Any:
        """The data."""
        return self.data


class MarkdownMetadataValue(MetadataValue, frozen=True, tag="md"):
    """Markdown text."""

    md_str: Optional[str] = ""

    @property
    def value(self) -> str | None:
        """The Markdown text."""
        return self.md_str


class PythonArtifactMetadataValue(MetadataValue, frozen=True, tag="python_artifact"):
    """A reference to a Python class or function."""

    module: str
    name: str

    @property
    def value(self) -> PythonArtifactMetadataValue:
        """The reference itself."""
        return self


class FloatMetadataValue(MetadataValue, frozen=True, tag="float"):
    """A floating-point number."""

    value: Optional[float] = 0.0  # type: ignore[assignment]


class IntMetadataValue(MetadataValue, frozen=True, tag="int"):
    """A whole number, of any size."""

    if TYPE_CHECKING:
        value: Optional[int] = 0  # type: ignore[assignment]
    else:
        value: Union[int, str, None] = 0  # one of more than 64 bits is stored as a text

    def __post_init__(self) -> None:
        number: Any = self.value
        if isinstance(number, str) or (type(number) is int and not fits_64_bits(number)):
            msgspec.structs.force_setattr(self, "value", WideInt(number))


class BoolMetadataValue(MetadataValue, frozen=True, tag="bool"):
    """True or false."""

    value: Optional[bool] = None  # type: ignore[assignment]


class TimestampMetadataValue(MetadataValue, frozen=True, tag="timestamp"):
    """A moment, in seconds since the epoch."""

    value: float  # type: ignore[assignment]


class RunMetadataValue(MetadataValue, frozen=True, tag="run"):
    """A link to a run."""

    run_id: str

    @property
    def value(self) -> str:
        """The run's id."""
        return self.run_id


class JobMetadataValue(MetadataValue, frozen=True, tag="job"):
    """A link to a job."""

    job_name: str
    location_name: str
    repository_name: Optional[str] = None

    @property
    def value(self) -> JobMetadataValue:
        """The reference itself."""
        return self


class _NamesAsset(type(msgspec.Struct)):  # type: ignore[misc]
    """Calls of these classes may give the asset as a key (``asset_key``, or the first argument) instead of its parts."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "asset_key" in kwargs:
            kwargs["path"] = kwargs.pop("asset_key")
        if args:
            kwargs["path"], *args = args  # type: ignore[assignment]
            return super().__call__(_parts(kwargs.pop("path")), *args, **kwargs)
        return super().__call__(**{**kwargs, "path": _parts(kwargs["path"])})


def _parts(key: Any) -> list[str]:
    return key.path if isinstance(key, AssetKey) else AssetKey(key).path


class AssetMetadataValue(MetadataValue, frozen=True, tag="asset", metaclass=_NamesAsset):
    """A link to an asset."""

    path: list[str]  # type: ignore[assignment]

    @property
    def asset_key(self) -> AssetKey:
        """The asset's key."""
        return AssetKey(self.path)

    @property
    def value(self) -> AssetKey:
        """The asset's key."""
        return self.asset_key


class NullMetadataValue(MetadataValue, frozen=True, tag="null"):
    """Nothing."""

    @property
    def value(self) -> None:
        """None."""
        return None


class PoolMetadataValue(MetadataValue, frozen=True, tag="pool"):
    """A link to a concurrency pool."""

    pool: str  # type: ignore[assignment]

    @property
    def value(self) -> str:
        """The pool's name."""
        return self.pool


class CodeLocationReconstructionMetadataValue(MetadataValue, frozen=True, tag="code_location_reconstruction"):
    """Text that a code location needs to load itself again."""

    data: str

    @property
    def value(self) -> str:
        """The text."""
        return self.data


class _PartOfTable(type(msgspec.Struct)):  # type: ignore[misc]
    """Calls of these classes may give None for what has a default; values of other kinds than the fields' are refused.

    What is read back from storage is made without such a call, and is not checked again.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **{name: value for name, value in kwargs.items() if value is not None})
        for name, kinds in cls._KINDS.items():
            value = getattr(made, name)
            if not isinstance(value, kinds):
                raise ParameterCheckError(
                    f"{cls.__name__}: expected {name} as {' or '.join(kind.__name__ for kind in kinds)}, got {value!r}"
                )
        for name, kind in cls._ELEMENTS.items():
            for value in getattr(made, name) or ():
                if not isinstance(value, kind):
                    raise CheckError(
                        f"{cls.__name__}: expected {name} to hold {kind.__name__}, got {value!r} in it"
                    )
        return made


class TableColumnConstraints(msgspec.Struct, frozen=True, metaclass=_PartOfTable):
    """What is promised of a column."""

    nullable: bool = True
    unique: bool = False
    other: Optional[list[str]] = []

    _KINDS: ClassVar[_Kinds] = {"nullable": (bool,), "unique": (bool,), "other": (list, NoneType)}
    _ELEMENTS: ClassVar[_Elements] = {"other": str}


class TableConstraints(msgspec.Struct, frozen=True, metaclass=_PartOfTable):
    """What is promised of a table."""

    other: list[str]

    _KINDS: ClassVar[_Kinds] = {"other": (list,)}
    _ELEMENTS: ClassVar[_Elements] = {"other": str}


@usable_as_field
class TableColumn(msgspec.Struct, frozen=True, metaclass=_PartOfTable):
    """One column: its name, type name and constraints."""

    name: str
    type: str = "string"
    description: Optional[str] = None
    constraints: TableColumnConstraints = TableColumnConstraints()
    tags: dict[str, str] = {}

    _KINDS: ClassVar[_Kinds] = {
        "name": (str,),
        "type": (str,),
        "description": (str, NoneType),
        "constraints": (TableColumnConstraints,),
        "tags": (Mapping,),
    }
    _ELEMENTS: ClassVar[_Elements] = {}


@usable_as_field
class TableSchema(msgspec.Struct, frozen=True, metaclass=_PartOfTable):
    """The columns of a table."""

    columns: Sequence[TableColumn]
    constraints: TableConstraints = TableConstraints([])

    _KINDS: ClassVar[_Kinds] = {"columns": (Sequence,), "constraints": (TableConstraints,)}
    _ELEMENTS: ClassVar[_Elements] = {"columns": TableColumn}

    @staticmethod
    def from_name_type_dict(name_type_dict: Mapping[str, str]) -> TableSchema:
        """A schema of a mapping column name → type name."""
        return TableSchema([TableColumn(name, kind) for name, kind in name_type_dict.items()])


class TableRecord(msgspec.Struct, frozen=True):
    """One row: column name → number, text or truth value."""

    data: dict[str, Any]


class TableColumnDep(msgspec.Struct, frozen=True, metaclass=_NamesAsset):
    """A column of another asset that a column is computed from."""

    path: list[str]
    column_name: str

    @property
    def asset_key(self) -> AssetKey:
        """The other asset."""
        return AssetKey(self.path)


class TableColumnLineage(msgspec.Struct, frozen=True):
    """For each column, the columns it is computed from."""

    deps_by_column: dict[str, list[TableColumnDep]]


class TableMetadataValue(MetadataValue, frozen=True, tag="table"):
    """A small table."""

    records: tuple[TableRecord, ...]
    schema: TableSchema

    @property
    def value(self) -> TableMetadataValue:
        """The table itself."""
        return self


class TableSchemaMetadataValue(MetadataValue, frozen=True, tag="table_schema"):
    """The columns of a table."""

    schema: TableSchema

    @property
    def value(self) -> TableSchema:
        """The schema."""
        return self.schema


class TableColumnLineageMetadataValue(MetadataValue, frozen=True, tag="column_lineage"):
    """Where a table's columns come from."""

    column_lineage: TableColumnLineage  # type: ignore[assignment]

    @property
    def value(self) -> TableColumnLineage:
        """The lineage."""
        return self.column_lineage


AnyMetadataValue = Union[
    TextMetadataValue,
    UrlMetadataValue,
    PathMetadataValue,
    NotebookMetadataValue,
    JsonMetadataValue,
    MarkdownMetadataValue,
    PythonArtifactMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    BoolMetadataValue,
    TimestampMetadataValue,
    RunMetadataValue,
    JobMetadataValue,
    AssetMetadataValue,
    NullMetadataValue,
    PoolMetadataValue,
    CodeLocationReconstructionMetadataValue,
    TableMetadataValue,
    TableSchemaMetadataValue,
    TableColumnLineageMetadataValue,
]
Metadata = dict[str, AnyMetadataValue]


def infer_table_schema(records: Sequence[TableRecord]) -> TableSchema:
    """The schema that the first record's values suggest.

    Raises:
        ValueError: when there is no record.
    """
    if not records:
        raise ValueError("expected a schema or at least one record, got neither; pass schema=")
    names = {bool: "bool", int: "int", float: "float"}
    return TableSchema([TableColumn(k, names.get(type(v), "string")) for k, v in records[0].data.items()])


def normalize_metadata_value(raw: Any) -> AnyMetadataValue:
    """The typed value of a plain Python value (semantics inventory 2.9).

    Raises:
        TypeError: when the kind of value is not supported.
    """
    if isinstance(raw, MetadataValue):
        return raw  # type: ignore[return-value]
    if raw is None:
        return NullMetadataValue()
    if isinstance(raw, bool):
        return BoolMetadataValue(raw)
    if isinstance(raw, str):
        return TextMetadataValue(raw)
    if isinstance(raw, int):
        return IntMetadataValue(raw)
    if isinstance(raw, float):
        return FloatMetadataValue(raw)
    if isinstance(raw, Path):
        return PathMetadataValue(str(raw))
    if isinstance(raw, AssetKey):
        return AssetMetadataValue(raw.path)
    if isinstance(raw, TableSchema):
        return TableSchemaMetadataValue(raw)
    if isinstance(raw, TableColumnLineage):
        return TableColumnLineageMetadataValue(raw)
    if isinstance(raw, (dict, list)):
        try:
            json.dumps(raw)
        except TypeError as exc:
            raise TypeError(
                f"expected metadata that can be written as JSON, got {raw!r} ({exc}); convert its values"
            ) from exc
        return JsonMetadataValue(with_wide_ints(raw))
    raise TypeError(
        f"expected a metadata value of type str, int, float, bool, None, dict, list, Path, AssetKey or "
        f"MetadataValue, got {type(raw).__name__}; use one of MetadataValue's constructors"
    )


def normalize_metadata(raw: Mapping[str, Any] | None) -> Metadata:
    """Typed metadata of a mapping of plain or typed values.

    Raises:
        TypeError: when a value's kind is not supported; the message names its label.
    """
    result: Metadata = {}
    for label, value in (raw or {}).items():
        try:
            result[str(label)] = normalize_metadata_value(value)
        except TypeError as exc:
            raise TypeError(f"metadata {label!r}: {exc}") from exc
    return result


def typed_metadata(raw: Mapping[str, Any] | None) -> dict[str, Any]:
    """Typed metadata of plain values.

    Raises:
        InvalidMetadata: when a value cannot be stored.
    """
    if not raw:
        return {}
    try:
        return normalize_metadata(raw)  # type: ignore[return-value]
    except TypeError as exc:
        raise InvalidMetadata(str(exc)) from exc


def typed_metadata_value(raw: Any) -> Any:
    """One typed metadata value.

    Raises:
        InvalidMetadata: when it cannot be stored.
    """
    try:
        return normalize_metadata_value(raw)
    except TypeError as exc:
        raise InvalidMetadata(str(exc)) from exc
