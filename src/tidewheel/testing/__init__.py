"""What users need to test their definitions."""

from __future__ import annotations

import importlib
from typing import Any

EXPORTS = {
    "evaluate_tick": "tidewheel.testing.triggers",
    "instance_for_test": "tidewheel.testing.instance_for_test",
    "TriggerTester": "tidewheel.testing.triggers",
}


def __getattr__(name: str) -> Any:
    if name not in EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(EXPORTS[name]), name)
