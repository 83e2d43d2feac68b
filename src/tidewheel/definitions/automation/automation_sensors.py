"""Sensors whose decisions the engine makes from automation conditions; no function of the user is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.triggers.run_request import SkipReason
from tidewheel.definitions.triggers.sensors import DefaultSensorStatus, SensorDefinition, SensorType
from tidewheel.errors import ParameterCheckError
from tidewheel.values.metadata import JsonMetadataValue
from tidewheel.values.tags import normalize_tags

DEFAULT_AUTOMATION_SENSOR = "default_automation_condition_sensor"
MAX_USER_CODE_TARGETS = 500
JOB_KEYS_METADATA = "dagster/asset_job_keys"


class AutomationConditionSensorDefinition(SensorDefinition):
    """Which assets and checks are automated together, and how the runs that their conditions ask for are tagged.

    ``default_condition`` holds for selected assets that have none. ``use_user_code_server``: conditions of the user's own
    classes are evaluated in the code location.
    """

    kind = "automation"

    def __init__(
        self,
        name: str,
        *,
        target: Any,
        tags: Mapping[str, str] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        minimum_interval_seconds: int | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        emit_backfills: bool = True,
        use_user_code_server: bool = False,
        default_condition: Any = None,
        asset_job_keys: Sequence[Any] | None = None,
    ) -> None:
        if default_condition is not None and not use_user_code_server:
            raise ParameterCheckError(
                f"expected use_user_code_server=True beside default_condition of sensor {name!r}, got False; "
                f"give both, or give the condition to the assets themselves"
            )
        self.use_user_code_server = use_user_code_server
        self.default_condition = default_condition
        self.emit_backfills = emit_backfills
        self.asset_job_keys = list(asset_job_keys or ())
        self.run_tags = normalize_tags(run_tags)
        super().__init__(
            name,
            evaluation_fn=_left_to_the_engine if use_user_code_server else _not_a_function,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            default_status=default_status,
            asset_selection=AssetSelection.from_coercible(target),
            tags=tags,
            metadata=self._with_job_keys(metadata),
        )

    def _with_job_keys(self, metadata: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        if not self.asset_job_keys:
            return metadata
        names = sorted(str(getattr(key, "job_name", key)) for key in self.asset_job_keys)
        return {**(metadata or {}), JOB_KEYS_METADATA: JsonMetadataValue(names)}

    @property
    def sensor_type(self) -> SensorType:
        """The kind of sensor."""
        return SensorType.AUTOMATION if self.use_user_code_server else SensorType.AUTO_MATERIALIZE

    @property
    def selection(self) -> AssetSelection:
        """The assets and checks that it covers."""
        assert self.asset_selection is not None
        return self.asset_selection


def _left_to_the_engine(context: Any) -> SkipReason:
    return SkipReason("Conditions are evaluated by the engine.")


def _not_a_function(context: Any) -> SkipReason:
    raise NotImplementedError(
        "expected a sensor with a function, got one over automation conditions, which the engine evaluates; "
        "use evaluate_automation_conditions to see what it would ask for"
    )


def default_automation_sensor(
    selection: AssetSelection, job_names: Sequence[str] = ()
) -> AutomationConditionSensorDefinition:
    """The sensor over all conditions that no other sensor covers."""
    return AutomationConditionSensorDefinition(
        DEFAULT_AUTOMATION_SENSOR, target=selection, asset_job_keys=job_names
    )
