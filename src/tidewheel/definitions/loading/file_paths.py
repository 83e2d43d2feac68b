"""Paths beside a source file."""

from __future__ import annotations

import os

from tidewheel.errors import ParameterCheckError


def file_relative_path(dunderfile: str, relative_path: str) -> str:
    """The absolute path of a file that lies relative to a source file: ``file_relative_path(__file__, "data.csv")``."""
    for name, value in (("dunderfile", dunderfile), ("relative_path", relative_path)):
        if not isinstance(value, str):
            raise ParameterCheckError(f"expected {name} as text, got {value!r}; pass __file__ and a text")
    return os.path.abspath(os.path.join(os.path.dirname(dunderfile), relative_path))
