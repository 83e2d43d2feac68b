"""Hooks: functions that are called when a step has succeeded or failed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from tidewheel.definitions.jobs.execution_hooks import hooks as execution_hooks
from tidewheel.errors import InvalidDefinitionError


class HookExecutionResult(NamedTuple):
    """What became of a hook."""

    hook_name: str
    is_skipped: bool | None = None


class HookDefinition:
    """A function ``hook_fn(context, events)``; ``trigger`` says when it is called: ``success``, ``failure``, ``any``."""

    def __init__(
        self,
        *,
        name: str,
        hook_fn: Callable[..., Any],
        required_resource_keys: AbstractSet[str] | None = None,
        decorated_fn: Callable[..., Any] | None = None,
        trigger: str = "any",
    ) -> None:
        self.name = name
        self.hook_fn = hook_fn
        self.required_resource_keys = frozenset(required_resource_keys or ())
        self.decorated_fn = decorated_fn
        self.trigger = trigger

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Decorate a job or graph with the hook, or call its function directly, as a test does."""
        if len(args) == 1 and not kwargs and hasattr(args[0], "with_hooks"):
            return args[0].with_hooks({self})
        return execution_hooks().invoke_hook(self, args, kwargs)

    def __repr__(self) -> str:
        return f"HookDefinition({self.name!r}, on {self.trigger})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HookDefinition) and (self.name, self.hook_fn) == (other.name, other.hook_fn)

    def __hash__(self) -> int:
        return hash((self.name, self.hook_fn))


def _check(fn: Callable[..., Any], count: int, what: str) -> None:
    positional = [
        p
        for p in inspect.signature(fn).parameters.values()
        if p.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(positional) < count:
        raise InvalidDefinitionError(
            f"expected the {what} function {fn.__name__!r} to take "
            f"{'context' if count == 1 else 'context and event_list'}, "
            f"got {[p.name for p in positional]}"
        )


def require_parameters(fn: Callable[..., Any], expected_positionals: Sequence[str]) -> None:
    """Check that a function's first parameters have the names expected of a hook; `_` before or after is fine.

    Raises:
        InvalidDefinitionError: when they have others.
    """
    names = list(inspect.signature(fn).parameters)
    for place, expected in enumerate(expected_positionals):
        got = names[place] if place < len(names) else None
        if got is None or got.strip("_") not in ("", expected):
            raise InvalidDefinitionError(
                f"expected the hook function {fn.__name__!r} to take {', '.join(expected_positionals)}, got {names}"
            )


def _for_event(trigger: str) -> Callable[..., Any]:
    def decorator(
        hook_fn: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        required_resource_keys: AbstractSet[str] | None = None,
    ) -> Any:
        def decorate(fn: Callable[..., Any]) -> HookDefinition:
            _check(fn, 1, f"{trigger} hook")
            made = HookDefinition(
                name=name if isinstance(name, str) else fn.__name__,
                hook_fn=fn,
                required_resource_keys=required_resource_keys,
                decorated_fn=fn,
                trigger=trigger,
            )
            made.__doc__ = fn.__doc__
            return made

        if isinstance(hook_fn, str):
            return lambda fn: decorator(fn, name=hook_fn, required_resource_keys=required_resource_keys)
        return decorate(hook_fn) if hook_fn is not None else decorate

    return decorator


def success_hook(
    hook_fn: Any = None, *, name: str | None = None, required_resource_keys: AbstractSet[str] | None = None
) -> Any:
    """Decorate a function of the hook context that is called when a step succeeds; with or without parentheses."""
    return _for_event("success")(hook_fn, name=name, required_resource_keys=required_resource_keys)


def failure_hook(name: Any = None, required_resource_keys: AbstractSet[str] | None = None) -> Any:
    """Decorate a function of the hook context that is called when a step fails; with or without parentheses."""
    if callable(name):
        return _for_event("failure")(name, required_resource_keys=required_resource_keys)
    return _for_event("failure")(None, name=name, required_resource_keys=required_resource_keys)


def event_list_hook(
    hook_fn: Any = None,
    *,
    name: str | None = None,
    required_resource_keys: AbstractSet[str] | None = None,
    decorated_fn: Any = None,
) -> Any:
    """Decorate a function ``(context, event_list)`` that is called after every step and returns what it did."""

    def decorate(fn: Callable[..., Any]) -> HookDefinition:
        _check(fn, 2, "event list hook")
        return HookDefinition(
            name=name or fn.__name__,
            hook_fn=fn,
            required_resource_keys=required_resource_keys,
            decorated_fn=decorated_fn or fn,
            trigger="any",
        )

    return decorate(hook_fn) if hook_fn is not None else decorate
