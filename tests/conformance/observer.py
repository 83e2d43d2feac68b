"""Loads programs in one system, observes each in a process of its own, and writes one JSON document for all.

    python -m tests.conformance.observer (dagster|tidewheel) OUTPUT.json < paths of programs, one a line

Runs under the interpreter of the system it observes, so it imports nothing but the standard library and that system.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import io
import json
import logging
import os
import signal
import sys
import tempfile
import time
import traceback
import types
import warnings
from pathlib import Path
from typing import Any

from .observed_definitions import describe_definitions
from .observed_runs import RunBook
from .observed_ticks import Subject, run_sensor_reactions, schedule_ticks, sensor_ticks
from .plain import attempt, error_name, know_source, plain

PROGRAM_CPU_S = 60
PROGRAM_TIMEOUT_S = 300
"""Also on a machine that others keep busy: a program that computes is bounded by its own time, one that waits by the clock."""
LOOSE_KINDS = ("assets", "asset_checks", "jobs", "schedules", "sensors")


def main(arguments: list[str]) -> int:
    """Observes the programs named on the command line."""
    system, output = arguments
    names = sys.stdin.read().split()
    silence()
    load_system(system)
    documents = {name: observed_apart(Path(name)) for name in names}
    Path(output).write_text(json.dumps(documents))
    return 0


def silence() -> None:
    """Neither warnings nor logs of the programs are wanted on the screen."""
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    logging.disable(logging.CRITICAL)


def load_system(system: str) -> None:
    """Makes `import dagster` mean the system under observation."""
    if system == "tidewheel":
        alias = importlib.import_module("tidewheel.dagster")
        alias.install()
    dg = importlib.import_module("dagster")
    for name in dir(dg):  # what is imported at first use is imported here once, not in each program's process
        with contextlib.suppress(Exception):
            getattr(dg, name)


def observed_apart(path: Path) -> dict[str, Any]:
    """One program's document, made in a forked process so that programs cannot touch each other."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "document.json")
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                _observe_into(path, answer, folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.environ.get("CONFORMANCE_TRACE"):
            print(f"{time.monotonic() - began:6.2f} s  {path.parent.name}/{path.stem}", file=sys.stderr)
        if answer.exists():
            return json.loads(answer.read_text())
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "no answer"
        return {"import": {"error": f"process ended: {how}"}}


def _observe_into(path: Path, answer: Path, folder: str) -> None:
    signal.setitimer(signal.ITIMER_PROF, PROGRAM_CPU_S)
    signal.alarm(PROGRAM_TIMEOUT_S)
    os.environ["TMPDIR"] = folder
    tempfile.tempdir = folder
    os.environ.pop("DAGSTER_HOME", None)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        if not os.environ.get("CONFORMANCE_TRACE"):
            os.dup2(nowhere.fileno(), 2)
    try:
        document = observe(path)
    except Exception as error:
        traceback.print_exc()
        document = {"import": {"error": f"observer: {error_name(error)}"}}
    answer.write_text(json.dumps(document))


def observe(path: Path) -> dict[str, Any]:
    """The document of one program."""
    options = _options(path)
    know_source("\n".join(file.read_text() for file in source_files(path)))
    try:
        module = load_program(path)
    except Exception as error:
        trace(error)
        return {"import": {"error": error_name(error)}}
    dg = importlib.import_module("dagster")
    document: dict[str, Any] = {"import": "ok"}
    try:
        defs, repo = find_definitions(
            dg, module
        )  # first: tests may leave instances behind that are gone by then
    except Exception as error:
        trace(error)
        defs = repo = None
        document["definitions"] = {"error": error_name(error)}
    document["tests"] = run_tests(module)
    if callable(getattr(module, "observe", None)):
        document["observe"] = observe_more(module.observe)
    if repo is None:
        return document
    document["definitions"] = describe_definitions(defs, repo)
    document |= observe_running(dg, defs, repo, options)
    return document


def observe_running(dg: Any, defs: Any, repo: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Ticks before anything ran, the runs, then the ticks and reactions that follow from them."""
    subject = Subject(dg, defs, repo, dg.DagsterInstance.ephemeral(), options)
    document: dict[str, Any] = {
        "schedule_ticks": attempt(schedule_ticks, subject),
        "sensor_ticks": attempt(sensor_ticks, subject, on_events=False),
    }
    book = RunBook(subject)
    document["runs"] = attempt(book.describe)
    document["event_ticks"] = attempt(sensor_ticks, subject, on_events=True)
    document["reactions"] = attempt(run_sensor_reactions, subject, book.results)
    return document


def load_program(path: Path) -> types.ModuleType:
    """Imports a program: a file, or the file `definitions.py` of a folder."""
    source = path / "definitions.py" if path.is_dir() else path
    sys.path.insert(0, str(source.parent))
    name = "definitions" if path.is_dir() else f"program_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def find_definitions(dg: Any, module: types.ModuleType) -> tuple[Any, Any]:
    """The program's definitions and the repository made of them, found as a code location would find them."""
    values = [value for name, value in vars(module).items() if not name.startswith("__")]
    for value in values:
        if isinstance(value, dg.Definitions):
            return value, value.get_repository_def()
    for value in values:
        if type(value).__name__ == "LazyDefinitions":
            made = value()
            return made, made.get_repository_def()
    for value in values:
        if isinstance(value, dg.RepositoryDefinition):
            return RepositoryView(value), value
    defs = dg.Definitions(**loose_definitions(dg, values))
    return defs, defs.get_repository_def()


def loose_definitions(dg: Any, values: list[Any]) -> dict[str, list[Any]]:
    """What lies at the top level of a file without a Definitions object."""
    found: dict[str, list[Any]] = {kind: [] for kind in LOOSE_KINDS}
    seen: set[int] = set()
    for value in flat(values):
        kind = loose_kind(dg, value)
        if kind is not None and id(value) not in seen:
            seen.add(id(value))
            found[kind].append(value)
    return found


def flat(values: list[Any]) -> list[Any]:
    """Top-level values, and the members of top-level lists."""
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def loose_kind(dg: Any, value: Any) -> str | None:
    """Which argument of Definitions a loose object belongs to."""
    if isinstance(value, dg.AssetChecksDefinition):
        return "asset_checks"
    if isinstance(value, (dg.AssetsDefinition, dg.SourceAsset, dg.AssetSpec)):
        return "assets"
    if isinstance(value, dg.JobDefinition) or type(value).__name__ == "UnresolvedAssetJobDefinition":
        return "jobs"
    if (
        isinstance(value, dg.ScheduleDefinition)
        or type(value).__name__ == "UnresolvedPartitionedAssetScheduleDefinition"
    ):
        return "schedules"
    return "sensors" if isinstance(value, dg.SensorDefinition) else None


class RepositoryView:
    """Lets a repository be read like a Definitions object."""

    def __init__(self, repo: Any) -> None:
        self.repo = repo
        self.resources: dict[str, Any] = {}

    def resolve_all_asset_specs(self) -> list[Any]:
        """The specs of all assets in the repository."""
        found = {}
        for holder in self.repo.assets_defs_by_key.values():
            for spec in holder.specs:
                found[spec.key] = spec
        return list(found.values())

    def resolve_implicit_global_asset_job_def(self) -> Any:
        """The job over all assets."""
        return self.repo.get_implicit_global_asset_job_def()


def source_files(path: Path) -> list[Path]:
    """All files of a program."""
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def run_tests(module: types.ModuleType) -> dict[str, Any]:
    """Calls every test function of the program."""
    shown = {}
    for name, function in list(vars(module).items()):
        if name.startswith("test_") and inspect.isfunction(function):
            shown[name] = run_test(function)
    return shown


def run_test(function: Any) -> str:
    """One test: passed, or the class of what it raised. Knows the argument `tmp_path` only."""
    arguments = {
        name: Path(tempfile.mkdtemp())
        for name in inspect.signature(function).parameters
        if name == "tmp_path"
    }
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            function(**arguments)
        return "passed"
    except BaseException as error:  # pytest's own outcomes are not Exceptions
        trace(error)
        return f"failed: {error_name(error)}"


def observe_more(function: Any) -> Any:
    """The program's own observations."""
    try:
        return plain(function())
    except Exception as error:
        trace(error)
        return {"error": error_name(error)}


def _options(path: Path) -> dict[str, Any]:
    sidecar = path.with_suffix(".json") if path.suffix else path.parent / f"{path.name}.json"
    if not sidecar.exists():
        return {}
    return json.loads(sidecar.read_text()).get("options", {})


def trace(error: BaseException) -> None:
    """Shows an error's trace where the environment asks for it (CONFORMANCE_TRACE)."""
    if os.environ.get("CONFORMANCE_TRACE"):
        traceback.print_exception(error)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
