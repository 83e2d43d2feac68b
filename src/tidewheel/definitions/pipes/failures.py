"""What can go wrong between a step and the external process that does its work."""

from __future__ import annotations

from tidewheel.errors import TidewheelError


class PipesError(TidewheelError):
    """The external process has not reported what was asked of it."""


class PipesExecutionError(TidewheelError):
    """The external process has failed; ``return_code`` is what it ended with."""

    def __init__(self, message: str, return_code: int | None = None) -> None:
        super().__init__(message)
        self.return_code = return_code
