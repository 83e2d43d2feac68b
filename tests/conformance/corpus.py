"""The programs, the sidecars beside them, and the running of the observer over them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROGRAMS = HERE / "programs"
RECORDED_WITH = PROGRAMS / "recorded_with.json"
OBSERVER_TIMEOUT_S = 900


@dataclass(frozen=True)
class Program:
    """One user program and the place of its sidecar (options, declared differences, expected document)."""

    path: Path

    @property
    def name(self) -> str:
        """Topic and name, as in `assets/diamond`."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def topic(self) -> str:
        """The folder that a program is filed under."""
        return self.path.parent.name

    @property
    def sidecar(self) -> Path:
        """The JSON file beside the program."""
        return self.path.parent / f"{self.path.stem}.json"

    def read(self) -> dict[str, Any]:
        """The sidecar's content; an empty one where nothing has been recorded yet."""
        return json.loads(self.sidecar.read_text()) if self.sidecar.exists() else {}

    def write(self, content: dict[str, Any]) -> None:
        """Replaces the sidecar."""
        self.sidecar.write_text(compact(content) + "\n")


def find_programs(wanted: list[str] | None = None) -> list[Program]:
    """All programs, or those whose name begins with one of the wanted texts."""
    found = []
    for topic in sorted(
        path for path in PROGRAMS.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))
    ):
        for entry in sorted(topic.iterdir()):
            if entry.suffix == ".py" or (entry / "definitions.py").exists():
                found.append(Program(entry))
    if wanted:
        found = [one for one in found if one.name.startswith(tuple(wanted))]
    return found


def dagster_python() -> str | None:
    """The interpreter that has Dagster, or None."""
    named = os.environ.get("TIDEWHEEL_CONFORMANCE_PYTHON")
    candidate = Path(named) if named else ROOT / ".venv-bench" / "bin" / "python"
    return str(candidate) if candidate.exists() else None


def dagster_version(python: str) -> str:
    """The version of Dagster that an interpreter has."""
    code = "import importlib.metadata; print(importlib.metadata.version('dagster'))"
    return subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def observe(
    system: str, programs: list[Program], python: str | None = None, *, processes: int = 1
) -> dict[str, Any]:
    """The documents of the programs in a system ("dagster" or "tidewheel"), by program name."""
    interpreter = python or sys.executable
    shares = [programs[index::processes] for index in range(processes)]
    with tempfile.TemporaryDirectory() as folder:
        started = [
            (
                share,
                Path(folder, f"{index}.json"),
                _start(system, share, interpreter, Path(folder, f"{index}.json")),
            )
            for index, share in enumerate(shares)
            if share
        ]
        documents: dict[str, Any] = {}
        for share, answer, process in started:
            if process.wait(timeout=OBSERVER_TIMEOUT_S) != 0:
                raise RuntimeError(
                    f"the observer of {system} ended with code {process.returncode}; its output is above"
                )
            found = json.loads(answer.read_text())
            documents |= {one.name: found[str(one.path)] for one in share}
    return documents


def _start(system: str, share: list[Program], python: str, answer: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [python, "-m", "tests.conformance.observer", system, str(answer)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("\n".join(str(one.path) for one in share))
    process.stdin.close()
    return process


def compact(value: Any, indent: str = "") -> str:
    """JSON with sorted keys where everything that fits on a line stands on one."""
    line = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if len(line) + len(indent) <= 110 or not isinstance(value, (dict, list)) or not value:
        return line
    deeper = indent + " "
    if isinstance(value, dict):
        parts = [
            f"{deeper}{json.dumps(key, ensure_ascii=False)}: {compact(value[key], deeper)}"
            for key in sorted(value)
        ]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + compact(one, deeper) for one in value) + f"\n{indent}]"
