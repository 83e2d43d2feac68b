"""Settings of a home: read from ``tidewheel.toml`` and the environment, checked, with defaults for everything."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, get_args, get_origin

import msgspec

from tidewheel.errors import ConfigProblem, HomeNotSetError, InvalidConfigError, did_you_mean
from tidewheel.logic.planning.admission import TagLimit

SETTINGS_FILE = "tidewheel.toml"
HOME_VARIABLE = "TIDEWHEEL_HOME"
PREFIX = "TIDEWHEEL_"

Count = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Days = Annotated[float, msgspec.Meta(ge=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class _Section(msgspec.Struct, frozen=True, kw_only=True):
    """The base of the sections of the settings file."""


class StorageSettings(_Section, frozen=True, kw_only=True):
    """``[storage]``: where the ledger is. Without a url: SQLite in the home folder."""

    url: Optional[Annotated[str, msgspec.Meta(pattern=r"^(sqlite|postgres(ql)?(\+\w+)?)://")]] = None


class QueueSettings(_Section, frozen=True, kw_only=True):
    """``[queue]``: how many runs at once, in all (-1: unlimited) and by tag."""

    max_concurrent_runs: Annotated[int, msgspec.Meta(ge=-1)] = 10
    tag_limits: tuple[TagLimit, ...] = ()


class RetrySettings(_Section, frozen=True, kw_only=True):
    """``[retries]``: which failed runs are tried again, and how often; ``lost_worker_retries`` holds even when disabled."""

    enabled: bool = True
    max_retries: Count = 0
    lost_worker_retries: Count = 1
    retry_on_step_failure: bool = True


class WorkerSettings(_Section, frozen=True, kw_only=True):
    """``[workers]``: how run workers start and when they are given up.

    ``start_method``: ``fork`` from the warm code location, ``spare`` from a stock of ``spare_stock`` pre-imported
    processes, ``auto`` chooses. ``max_runtime_s``: limit for every run that has no tag of its own; None: no limit.
    """

    start_method: Literal["auto", "fork", "spare"] = "auto"
    spare_stock: Count = 1
    start_timeout_s: Seconds = 180.0
    silence_timeout_s: Seconds = 60.0
    cancel_timeout_s: Seconds = 30.0
    max_runtime_s: Optional[Seconds] = None


class EvaluationSettings(_Section, frozen=True, kw_only=True):
    """``[evaluation]``: how long a schedule or sensor function may take, and its code location to load."""

    timeout_s: Seconds = 60.0
    load_timeout_s: Seconds = 180.0


class RetentionSettings(_Section, frozen=True, kw_only=True):
    """``[retention]``: for how many days logs and step events, and ticks without runs, are kept; None: for ever."""

    chatter_days: Optional[Days] = 30.0
    ticks_days: Optional[Days] = 7.0


class EventSettings(_Section, frozen=True, kw_only=True):
    """``[events]``: how workers batch events: by number, or after so many seconds."""

    batch_size: AtLeastOne = 500
    batch_wait_s: Seconds = 0.05
    intake_batches: AtLeastOne = 64


class ServerSettings(_Section, frozen=True, kw_only=True):
    """``[server]``: where the web server listens; ``public_url`` is how people reach it, for links in alerts."""

    host: str = "127.0.0.1"
    port: Port = 3000
    public_url: Optional[str] = None


class Settings(_Section, frozen=True, kw_only=True):
    """Everything that can be set for a home. Durations are in the unit of their name."""

    storage: StorageSettings = StorageSettings()
    queue: QueueSettings = QueueSettings()
    retries: RetrySettings = RetrySettings()
    workers: WorkerSettings = WorkerSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    retention: RetentionSettings = RetentionSettings()
    events: EventSettings = EventSettings()
    server: ServerSettings = ServerSettings()


SECTIONS: dict[str, type[_Section]] = {
    field.name: field.type for field in msgspec.structs.fields(Settings)
}


def load_settings(
    home: Path | None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of a home: defaults, then its file, then the environment, then ``overrides`` (as the file's tables).

    A variable ``TIDEWHEEL_QUEUE_MAX_CONCURRENT_RUNS`` sets ``max_concurrent_runs`` in ``[queue]``; lists are written as
    JSON. In the file, ``{env = "NAME"}`` stands for the value of a variable. ``environ`` None: the process's.

    Raises:
        InvalidConfigError: when the file cannot be read or a setting is unknown or wrong; lists every problem.
    """
    environ = os.environ if environ is None else environ
    problems: list[ConfigProblem] = []
    chosen: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    _merge(chosen, _read_file(home), problems, environ)
    _merge(chosen, _from_environment(environ), problems, environ)
    _merge(chosen, overrides or {}, problems, environ)
    sections = {name: _convert(name, values, problems) for name, values in chosen.items()}
    if problems:
        where = f"{home / SETTINGS_FILE} and the environment" if home is not None else "the environment"
        raise InvalidConfigError(f"expected known settings with right values in {where}, got:", problems)
    return Settings(**sections)


def find_home(home: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The home folder: the given one, or that of the variable TIDEWHEEL_HOME.

    Raises:
        HomeNotSetError: when neither is given, or the folder does not exist.
    """
    environ = os.environ if environ is None else environ
    text = str(home) if home is not None else environ.get(HOME_VARIABLE, "")
    if not text:
        raise HomeNotSetError(
            f"expected the variable {HOME_VARIABLE} to name a folder, got nothing; set it "
            f"(export {HOME_VARIABLE}=~/tidewheel) or start with 'tidewheel dev', which makes a home by itself"
        )
    path = Path(text).expanduser().absolute()
    if not path.is_dir():
        raise HomeNotSetError(f"expected home {path} to be an existing folder, got none; create it: mkdir -p {path}")
    return path


def _read_file(home: Path | None) -> dict[str, Any]:
    path = home / SETTINGS_FILE if home is not None else None
    if path is None or not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InvalidConfigError(f"expected {path} to be a TOML file, got: {exc}", []) from exc


def _from_environment(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for variable, text in sorted(environ.items()):
        for section in SECTIONS:
            prefix = f"{PREFIX}{section.upper()}_"
            if variable.startswith(prefix):
                found.setdefault(section, {})[variable.removeprefix(prefix).lower()] = _plain(text)
    return found


def _plain(text: str) -> Any:
    if text[:1] not in "[{":
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _merge(
    chosen: dict[str, dict[str, Any]],
    given: Mapping[str, Any],
    problems: list[ConfigProblem],
    environ: Mapping[str, str],
) -> None:
    for name, values in given.items():
        if name not in SECTIONS:
            problems.append(ConfigProblem([], f"unknown section [{name}]; {did_you_mean(name, SECTIONS)}"))
            continue
        if not isinstance(values, Mapping):
            problems.append(ConfigProblem([name], f"expected a section [{name}] of settings, got {values!r}"))
            continue
        known = {field.name for field in msgspec.structs.fields(SECTIONS[name])}
        for key, value in values.items():
            if key not in known:
                problems.append(ConfigProblem([name], f"unknown setting {key!r}; {did_you_mean(key, known)}"))
            else:
                chosen[name][key] = _resolved([name, key], value, environ, problems)


def _resolved(
    path: list[str], value: Any, environ: Mapping[str, str], problems: list[ConfigProblem]
) -> Any:
    if not (isinstance(value, Mapping) and set(value) == {"env"}):
        return value
    variable = value["env"]
    if variable not in environ:
        problems.append(
            ConfigProblem(path, f"expected the environment variable {variable!r} to be set, got nothing")
        )
        return None
    return environ[variable]


def _convert(name: str, values: Mapping[str, Any], problems: list[ConfigProblem]) -> Any:
    section = SECTIONS[name]
    good: dict[str, Any] = {}
    for field in msgspec.structs.fields(section):
        if field.name not in values:
            continue
        value = values[field.name]
        if field.name == "tag_limits" and isinstance(value, list):
            problems.extend(_unknown_keys_of_limits(value))
        try:
            good[field.name] = msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError as exc:
            # a storage url may hold a password
            got = "" if field.name == "url" else f"; got {value!r}"
            problems.append(ConfigProblem([name, field.name], _sentence(exc, field) + got))
    return section(**good)


def _unknown_keys_of_limits(limits: list[Any]) -> list[ConfigProblem]:
    known = {field.name for field in msgspec.structs.fields(TagLimit)}
    return [
        ConfigProblem(["queue", "tag_limits"], f"unknown setting {key!r}; {did_you_mean(key, known)}")
        for limit in limits
        if isinstance(limit, Mapping)
        for key in limit
        if key not in known
    ]


def _sentence(exc: msgspec.ValidationError, field: msgspec.structs.FieldInfo) -> str:
    choices = get_args(field.type) if get_origin(field.type) is Literal else ()
    if choices:
        return "expected " + " or ".join(repr(choice) for choice in choices)
    return str(exc).replace("Expected", "expected", 1).replace("`$", f"`{field.name}")
