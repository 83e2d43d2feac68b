"""The examples of docs/automation.md run as they are written."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "automation.md"
BLOCKS = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.filterwarnings("ignore")
def test_the_examples_run():
    names = {"__name__": "page"}
    blocks = BLOCKS.findall(PAGE.read_text())
    assert len(blocks) >= 6
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    result = names["tw"].evaluate_automation_conditions(
        defs=names["tw"].Definitions(assets=[names["orders"], names["working_days_only"], names["invoices"]]),
        instance=names["tw"].Instance.ephemeral(),
    )
    assert result.total_requested == 0  # nothing was made that they depend on
