"""``ConfigMapping``: a graph's or job's own config, from which the config of its ops is computed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from tidewheel.definitions.config.config_schema import Field, to_field
from tidewheel.definitions.config.pythonic_config import Config, make_config, schema_of_annotation
from tidewheel.definitions.jobs.run_config import RunConfig, plain_run_config
from tidewheel.errors import CheckError, ConfigMappingFunctionError, InvalidDefinitionError


class ConfigMapping:
    """``config_fn`` turns config of ``config_schema`` into run config for what is inside."""

    def __init__(
        self,
        config_fn: Callable[[Any], Any],
        config_schema: Any = None,
        receive_processed_config_values: bool | None = None,
    ) -> None:
        self.config_fn = config_fn
        self.config_field: Field = (
            to_field(config_schema) if config_schema is not None else Field(Any, is_required=False)
        )
        self.receive_processed_config_values = (
            True if receive_processed_config_values is None else receive_processed_config_values
        )

    @property
    def config_schema(self) -> Field:
        """The config it takes."""
        return self.config_field

    def resolve(self, value: Any) -> dict[str, Any]:
        """Run config of what is inside (``{"op name": {"config": ...}}``).

        Raises:
            ConfigMappingFunctionError: when the function raises.
        """
        try:
            made = self.config_fn(value)
        except Exception as exc:
            raise ConfigMappingFunctionError(
                f"the config mapping function raised {type(exc).__name__}: {exc}", user_exception=exc
            ) from exc
        if isinstance(made, RunConfig):
            made = made.to_config_dict()["ops"]
        if made is None:
            return {}
        if not isinstance(made, Mapping):
            raise InvalidDefinitionError(
                f"expected a config mapping function to return a dict or RunConfig, got {made!r}"
            )
        plain = plain_run_config(made)
        if set(plain) <= {"ops", "resources", "execution", "loggers"} and "ops" in plain:
            return dict(plain["ops"])
        return plain

    def resolve_whole(self, value: Any) -> dict[str, Any]:
        """Run config of a whole job (with its sections); for mappings of jobs."""
        try:
            made = self.config_fn(value)
        except Exception as exc:
            raise ConfigMappingFunctionError(
                f"the config mapping function raised {type(exc).__name__}: {exc}", user_exception=exc
            ) from exc
        return plain_run_config(made)


def config_mapping(
    config_fn: Any = None, *, config_schema: Any = None, receive_processed_config_values: bool | None = None
) -> Any:
    """Decorate a function from config to run config; with or without parentheses."""

    def decorate(fn: Callable[[Any], Any]) -> ConfigMapping:
        parameters = list(inspect.signature(fn).parameters.values())
        if len(parameters) == 1 and parameters[0].annotation is not inspect.Parameter.empty:
            annotation = parameters[0].annotation
            if isinstance(annotation, str):
                annotation = getattr(fn, "__globals__", {}).get(annotation, annotation)
            if inspect.isclass(annotation) and issubclass(annotation, Config):
                if config_schema is not None:
                    raise CheckError(
                        f"config mapping {fn.__name__!r}: expected a schema or a parameter that is a Config, got both; "
                        "drop config_schema"
                    )
                field = schema_of_annotation(annotation, owner=f"config mapping {fn.__name__!r}")
                return ConfigMapping(lambda value: fn(make_config(field.config_type, value)), field)
        return ConfigMapping(fn, config_schema, receive_processed_config_values)

    return decorate(config_fn) if config_fn is not None else decorate
