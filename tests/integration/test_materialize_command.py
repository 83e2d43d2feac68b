"""``tidewheel materialize`` without a server: what people see of the run."""

import subprocess
import sys

PIPELINE = """
import tidewheel as tw

@tw.asset
def one():
    print("printed by the step")
    return 1

@tw.asset_check(asset=one)
def positive(one):
    return tw.AssetCheckResult(passed=one > 0)
"""


def test_the_assets_and_checks_of_the_run_are_shown(tmp_path):
    file = tmp_path / "pipeline.py"
    file.write_text(PIPELINE)
    done = subprocess.run(
        [sys.executable, "-m", "tidewheel", "materialize", "-f", str(file), "--home", str(tmp_path / "home")],
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    shown = [line.split()[3] for line in done.stdout.splitlines() if line[:2] == "20"]
    assert shown == ["ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", "RUN_SUCCESS"]
    assert "printed by the step" not in done.stdout
