"""Values that are read from the environment when a run needs them, not when code is loaded."""

from __future__ import annotations

import os
from typing import Any

from tidewheel.errors import TidewheelError


class EnvironmentValueError(TidewheelError):
    """An environment variable that config refers to is not set, or is not of the wanted kind."""


class EnvVar(str):
    """The name of an environment variable, standing for its value in resources and run config.

    It is a ``str``, so that it can be passed where text is expected; turning it into text by accident raises.
    """

    @classmethod
    def int(cls, name: str) -> IntEnvVar:
        """A variable that holds a whole number."""
        return IntEnvVar(name)

    @property
    def env_var_name(self) -> str:
        """The variable's name."""
        return str.__str__(self)

    def get_value(self, default: str | None = None) -> Any:
        """The variable's value now, or ``default`` when it is not set."""
        return os.getenv(self.env_var_name, default=default)

    def __str__(self) -> str:
        raise RuntimeError(
            f"expected EnvVar({str.__str__(self)!r}) to be passed on to config or a resource, got it used as text; "
            "call get_value() on it, or os.getenv, where the value is needed now"
        )

    def __repr__(self) -> str:
        return f"EnvVar({str.__str__(self)!r})"

    @classmethod
    def is_env_var(cls, value: Any) -> bool:
        """Whether a value stands for an environment variable."""
        return isinstance(value, (EnvVar, IntEnvVar))


class IntEnvVar(int):
    """The name of an environment variable that holds a whole number."""

    name: str

    def __new__(cls, name: str) -> IntEnvVar:
        """Numerically zero; the name is kept aside."""
        made = super().__new__(cls, 0)
        made.name = name
        return made

    @property
    def env_var_name(self) -> str:
        """The variable's name."""
        return self.name

    def get_value(self, default: int | None = None) -> int | None:
        """The variable's value now, or ``default`` when it is not set."""
        raw = os.getenv(self.name)
        return int(raw) if raw is not None else default

    def __int__(self) -> int:
        raise RuntimeError(
            f"expected EnvVar.int({self.name!r}) to be passed on to config or a resource, got it used as a number; "
            "call get_value() on it where the value is needed now"
        )

    def __str__(self) -> str:
        return self.__repr__()

    def __repr__(self) -> str:
        return f"EnvVar.int({self.name!r})"


def is_env_reference(value: Any) -> bool:
    """Whether a config value has the form ``{"env": "NAME"}``."""
    return isinstance(value, dict) and set(value) == {"env"}


def read_env(name: str, kind: type) -> Any:
    """The value of a variable as ``str``, ``int`` or ``bool``.

    Raises:
        EnvironmentValueError: when it is not set or not of this kind.
    """
    raw = os.getenv(name)
    if raw is None:
        raise EnvironmentValueError(
            f"expected the environment variable {name!r} to be set, got none; set it where runs are executed"
        )
    if kind is str:
        return raw
    if kind is bool:
        if raw.lower() in ("true", "1", "yes", "on"):
            return True
        if raw.lower() in ("false", "0", "no", "off", ""):
            return False
        raise EnvironmentValueError(f"expected {name!r} to hold true or false, got {raw!r}")
    try:
        return kind(raw)
    except ValueError:
        raise EnvironmentValueError(
            f"expected the environment variable {name!r} to hold {kind.__name__}, got {raw!r}"
        ) from None
