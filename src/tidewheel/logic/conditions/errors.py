"""What can be wrong with a condition, or with what is asked of it."""

from tidewheel.errors import TidewheelError


class ConditionError(TidewheelError):
    """A condition cannot be built, stored, or evaluated for its target."""
