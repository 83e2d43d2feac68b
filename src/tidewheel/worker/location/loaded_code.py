"""Loads user code once per process: imports it, finds its definitions, describes them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import sys
import sysconfig
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from tidewheel.definitions.loading.loaders import find_definitions
from tidewheel.definitions.loading.snapshot import build_snapshot
from tidewheel.errors import CodeLocationLoadError, DefinitionsError, TidewheelError, did_you_mean
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.runtime.location_args import CodeTarget
from tidewheel.values.error_info import ErrorInfo, error_info
from tidewheel.values.serde import encode

if TYPE_CHECKING:
    from tidewheel.definitions.loading.collection import Definitions


class LoadedCode:
    """User code in this process: its definitions and their description."""

    def __init__(self, defs: Definitions, snapshot: LocationSnapshot) -> None:
        self.defs = defs
        self.snapshot = snapshot
        self.snapshot_bytes = encode(snapshot)
        self.fingerprint = hashlib.blake2b(self.snapshot_bytes, digest_size=16).hexdigest()


class LoadFailure(TidewheelError):
    """User code could not be loaded; ``errors`` are all problems found, ``files`` those to watch for a mend."""

    def __init__(self, errors: tuple[ErrorInfo, ...], files: tuple[str, ...]) -> None:
        self.errors = errors
        self.files = files
        super().__init__("; ".join(error.headline for error in errors))


def load_code(target: CodeTarget, location: str) -> LoadedCode:
    """Import the target and describe its definitions.

    Raises:
        LoadFailure: when importing raises or the definitions are wrong; it names every problem.
    """
    root = Path(target.working_dir or os.getcwd()).resolve()
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    if target.as_dagster:
        serve_as_dagster()
    try:
        if target.env_file is not None:
            _read_environment(target.env_file)
        with warnings.catch_warnings():
            module = _import(target)
        defs = _definitions(module, target)
        snapshot = build_snapshot(defs, location)
        _warm(defs)
    except DefinitionsError as exc:
        errors = tuple(ErrorInfo(cls_name="DefinitionsError", message=problem) for problem in exc.problems)
        raise LoadFailure(errors, watched_files(target, root)) from exc
    except (Exception, SystemExit, KeyboardInterrupt) as exc:
        # this process is in a session of its own: Ctrl-C does not reach it, so the interrupt is user code's own
        raise LoadFailure((_load_error(exc, target),), watched_files(target, root)) from exc
    return LoadedCode(defs, msgspec.structs.replace(snapshot, files=watched_files(target, root)))


def _warm(defs: Definitions) -> None:
    """Resolve now what every run of assets needs: workers inherit it (half a second with a thousand assets)."""
    with contextlib.suppress(TidewheelError):  # whoever runs assets is told what is wrong
        defs.resolve_implicit_global_asset_job_def()


def _read_environment(file: str) -> None:
    """Take the variables of a file into the environment, before those that are there, as Dagster does."""
    from dotenv import load_dotenv  # noqa: PLC0415 - third party, and only such projects need it

    load_dotenv(file, override=True)


def serve_as_dagster() -> None:
    """Make ``import dagster`` mean ``tidewheel.dagster`` in this process."""
    importlib.import_module("tidewheel.dagster").install()


def _import(target: CodeTarget) -> ModuleType:
    if target.module:
        return importlib.import_module(target.module)
    if target.file is None:
        raise CodeLocationLoadError(
            "expected a file or a module with definitions, got neither; use -f FILE or -m MODULE"
        )
    path = Path(target.file).resolve()
    if not path.is_file():
        raise CodeLocationLoadError(
            f"expected a Python file at {target.file!r}, got nothing there; check the path"
        )
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise CodeLocationLoadError(f"expected a Python file, got {target.file!r}; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _definitions(module: ModuleType, target: CodeTarget) -> Definitions:
    if target.is_defs_folder:
        return _all_below(module)
    if target.attribute is None:
        return find_definitions(module)
    found: Any = getattr(module, target.attribute, None)
    if found is None:
        known = [name for name in vars(module) if not name.startswith("_")]
        raise CodeLocationLoadError(
            f"expected {target.describe()} to exist, got no attribute {target.attribute!r}; "
            + did_you_mean(target.attribute, known)
        )
    holder = ModuleType(module.__name__)
    setattr(holder, target.attribute, found)
    return find_definitions(holder)


def _all_below(package: ModuleType) -> Definitions:
    found: Definitions = importlib.import_module("tidewheel.dagster.components").load_defs(package)
    return found


def _load_error(exc: BaseException, target: CodeTarget) -> ErrorInfo:
    info = error_info(exc)
    if isinstance(exc, TidewheelError):
        return info
    said = info.message
    if isinstance(exc, SyntaxError):
        said = f"{exc.msg} (line {exc.lineno} of {exc.filename})"
    if isinstance(exc, ModuleNotFoundError) and exc.name == "dagster" and not target.as_dagster:
        said += "; to run files that import dagster with Tidewheel, add --as-dagster"
    return ErrorInfo(
        cls_name="CodeLocationLoadError",
        message=f"expected {target.describe()} to import without an error, got {info.cls_name}: {said}",
        stack=info.stack,
        cause=info,
    )


def watched_files(target: CodeTarget, root: Path) -> tuple[str, ...]:
    """Source files of user code: what was imported from below the working folder, component files, and the target itself."""
    excluded = tuple(
        {sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib")}
        | {str(Path(__file__).resolve().parents[1])}
    )
    found = {str(Path(target.file).resolve())} if target.file else set()
    if target.env_file is not None:
        found.add(target.env_file)
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or path.startswith(excluded) or "site-packages" in path:
            continue
        if path.startswith(str(root)) or (
            target.file and path.startswith(str(Path(target.file).resolve().parent))
        ):
            found.add(path)
    components = sys.modules.get("tidewheel.dagster.components.component_file")
    return tuple(sorted(found | (components.FILES_READ if components is not None else set())))
