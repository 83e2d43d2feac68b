"""Which commit is tested: what is drawn at random in the tests follows from it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def commit_under_test() -> str:
    """Twelve digits of the commit, what the environment says instead of it, or "none" outside a repository."""
    done = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        check=False,
    )
    return os.environ.get("TIDEWHEEL_SIMULATION_SEED") or done.stdout.strip() or "none"
