"""``.configured(...)``: a definition with its config fixed, or computed from config of another shape."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from tidewheel.definitions.config.config_schema import UNSET, Field, to_field
from tidewheel.definitions.config.config_validation import check_config
from tidewheel.definitions.config.pythonic_config import Config, make_config, model_shape
from tidewheel.errors import ConfigMappingFunctionError, InvalidDefinitionError


class ConfigSource:
    """How a definition's own config comes about.

    Without a ``fn`` the given value is checked against ``inner``. With one, the value is checked against ``outer`` and
    the function's result against ``inner``. Sources nest: ``configured`` may be applied again and again.
    """

    def __init__(
        self,
        inner: Field | None,
        *,
        outer: Field | None = None,
        fn: Callable[[Any], Any] | None = None,
        parent: ConfigSource | None = None,
        subject: str = "",
    ) -> None:
        self.inner = inner
        self.outer = outer if fn is not None else inner
        self.fn = fn
        self.parent = parent
        self.subject = subject

    def resolve(self, value: Any) -> Any:
        """The definition's own config for a value that was checked against ``outer``.

        Raises:
            ConfigMappingFunctionError: when the function raises.
            InvalidConfigError: when its result does not fit the schema.
        """
        if self.fn is None:
            return value
        try:
            made = self.fn(value)
        except Exception as exc:
            raise ConfigMappingFunctionError(
                f"the config function of {self.subject} raised {type(exc).__name__}: {exc}",
                user_exception=exc,
            ) from exc
        if self.inner is not None:
            made = check_config(self.inner, made, subject=self.subject)
        return self.parent.resolve(made) if self.parent is not None else made


def fixed_or_mapped(
    config_or_config_fn: Any,
    config_schema: Any,
    *,
    inner: Field | None,
    parent: ConfigSource | None,
    subject: str,
) -> ConfigSource:
    """The source behind ``definition.configured(config_or_config_fn, config_schema=...)``.

    Raises:
        InvalidDefinitionError: for a schema beside fixed config.
    """
    if callable(config_or_config_fn):
        kind = _config_class(config_or_config_fn) if config_schema is None else None
        if kind is not None:
            shape = model_shape(kind)
            fn = config_or_config_fn
            return ConfigSource(
                inner,
                outer=Field(shape),
                fn=lambda value: fn(make_config(shape, value)),
                parent=parent,
                subject=subject,
            )
        outer = to_field(config_schema if config_schema is not None else _anything())
        return ConfigSource(inner, outer=outer, fn=config_or_config_fn, parent=parent, subject=subject)
    if config_schema is not None:
        raise InvalidDefinitionError(
            f"expected config_schema only together with a function, got it with fixed config for {subject}; drop it"
        )

    def fixed(_value: Any) -> Any:
        return config_or_config_fn

    return ConfigSource(inner, outer=_nothing(), fn=fixed, parent=parent, subject=subject)


def _config_class(fn: Callable[..., Any]) -> type[Config] | None:
    """The config class with which a function's parameter is annotated."""
    parameters = list(inspect.signature(fn).parameters.values())
    if not parameters:
        return None
    annotation = parameters[0].annotation
    if isinstance(annotation, str):
        try:
            annotation = typing.get_type_hints(fn).get(parameters[0].name)
        except NameError:
            return None
    return annotation if inspect.isclass(annotation) and issubclass(annotation, Config) else None


def _anything() -> Any:
    return Any


def _nothing() -> Field:
    return Field(Any, is_required=False, default_value=UNSET)


def configured(configurable: Any, config_schema: Any = None, **kwargs: Any) -> Callable[[Any], Any]:
    """Decorate a function from config to config, or call with config, to get a configured copy of a definition."""

    at_launch = getattr(configurable, "configure_at_launch", None)
    if inspect.isclass(configurable) and at_launch is not None:
        configurable = at_launch().get_resource_definition()

    def decorate(config_or_config_fn: Any) -> Any:
        options = dict(kwargs)
        if getattr(configurable, "__needs_name_when_configured__", False):
            options.setdefault("name", getattr(config_or_config_fn, "__name__", None))
            if options["name"] is None:
                raise InvalidDefinitionError(
                    f"expected a name for the configured copy of {configurable!r}, got none; pass name="
                )
        return configurable.configured(config_or_config_fn, config_schema=config_schema, **options)

    return decorate
