"""What only servers with a login or REST need is not loaded by anybody else."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("fastapi", "starlette", "argon2", "authlib", "httpx", "joserfc")


@pytest.mark.parametrize(
    "statement",
    [
        "import tidewheel",
        "import tidewheel.cli.main, tidewheel.cli.users, tidewheel.cli.tokens, tidewheel.cli.login",
        "import tidewheel.cli.home",
        "import tidewheel.worker.location.location_process",
    ],
)
def test_nothing_heavy_is_loaded(statement: str) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
