"""A file named to ``launch`` while a server runs: never silently ignored."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.processes.serving import Served

CODE = "import tidewheel as tw\n@tw.asset\ndef a(): ...\ndefs = tw.Definitions(assets=[a])\n"


def _materialize(home: Path, file: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "tidewheel.cli.main",
        "materialize",
        "a",
        "-f",
        file,
        "--home",
        str(home),
    ]
    return subprocess.run(command, cwd=home.parent, capture_output=True, text=True, check=False)


def test_a_served_home_refuses_a_missing_file_and_says_that_it_reads_none(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.py"
    file.write_text(CODE)
    served = Served(tmp_path / "home", file)
    try:
        served.wait_loaded()
        missing = _materialize(tmp_path / "home", "nothere.py")
        assert missing.returncode == 1
        assert "nothere.py" in missing.stderr
        present = _materialize(tmp_path / "home", "pipeline.py")
        assert present.returncode == 0
        assert "is not read" in present.stderr
    finally:
        served.stop()
