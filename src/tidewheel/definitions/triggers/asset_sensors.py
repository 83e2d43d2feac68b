"""Sensors that hear of assets: ``@asset_sensor`` (each new materialisation) and ``@multi_asset_sensor`` (several assets)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.asset_labels import coerce_asset_key
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.jobs.execution_hooks import hooks
from tidewheel.definitions.triggers.sensors import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorType,
    remember,
)
from tidewheel.definitions.triggers.trigger_functions import function_name
from tidewheel.definitions.triggers.trigger_results import SensorExecutionData, SensorOutcome, sensor_outcome
from tidewheel.definitions.triggers.webhook_sensors import BATCH, NEWEST, ONE_BY_ONE, require_hand_over
from tidewheel.errors import InvariantViolationError, ParameterCheckError
from tidewheel.values.keys import AssetKey
from tidewheel.values.policies import TriggerPolicy


class AssetSensorDefinition(SensorDefinition):
    """A sensor whose function gets every new materialisation of one asset, in order."""

    kind = "asset"

    def __init__(
        self,
        name: str,
        asset_key: Any,
        job_name: str | None,
        asset_materialization_fn: Callable[..., Any],
        minimum_interval_seconds: float | None = None,
        description: str | None = None,
        job: Any = None,
        jobs: Sequence[Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        required_resource_keys: set[str] | None = None,
        tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        target: Any = None,
        hand_over: str = ONE_BY_ONE,
        policy: TriggerPolicy | None = None,
    ) -> None:
        if not isinstance(asset_key, AssetKey):
            if isinstance(asset_key, str):
                raise ParameterCheckError(
                    f"sensor {name!r}: expected asset_key as AssetKey, got {asset_key!r}; write AssetKey({asset_key!r})"
                )
            asset_key = coerce_asset_key(asset_key)
        self.asset_key: AssetKey = asset_key
        super().__init__(
            name,
            evaluation_fn=asset_materialization_fn,
            job_name=job_name,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            target=target,
            policy=policy,
        )
        self.hand_over = require_hand_over(hand_over, self.what, (ONE_BY_ONE, BATCH, NEWEST))

    @property
    def sensor_type(self) -> SensorType:
        """The kind of sensor."""
        return SensorType.ASSET

    def collect_event(self, context: Any, event: Any) -> SensorOutcome:
        """What the function asks for on one materialisation.

        Raises:
            Exception: whatever the user's function raises.
            InvariantViolationError: when it sets a cursor, which is the system's here.
        """
        outcome = sensor_outcome(self.function.call(context, event), context, self.what)
        if outcome.cursor_changed:
            raise InvariantViolationError(
                f"{self.what}: expected no cursor from an asset sensor, since the system keeps it, got {outcome.cursor!r}; "
                "drop it"
            )
        return outcome

    def evaluate_tick(self, context: Any) -> SensorExecutionData:
        """What an evaluation in this process asks for: on all materialisations after the context's cursor."""
        events = _new_events(context, self.asset_key)
        if not events:
            return SensorExecutionData(
                [], f"No new materialization events found for asset key {self.asset_key}", context.cursor
            )
        entries = [record.event_log_entry for record in events]
        if self.hand_over == BATCH:
            entries = [entries]
        elif self.hand_over == NEWEST:
            entries = entries[-1:]
        outcomes = [self.collect_event(context, entry) for entry in entries]
        joined = SensorOutcome(
            [request for one in outcomes for request in one.requests],
            next((one.skip_message for one in outcomes if one.skip_message), None),
            str(events[-1].storage_id),
            True,
            [change for one in outcomes for change in one.partitions],
            [event for one in outcomes for event in one.asset_events],
            [],
        )
        if joined.requests:
            joined = joined._replace(skip_message=None)
        return self.execution_data(joined, context)


def _new_events(context: Any, key: AssetKey) -> list[Any]:
    cursor = getattr(context, "cursor", None)
    after = int(cursor) if cursor and cursor.isdigit() else None
    result = context.instance.fetch_materializations(key, limit=1000, ascending=True)
    return [record for record in result.records if after is None or record.storage_id > after]


def asset_sensor(
    asset_key: Any,
    *,
    job_name: str | None = None,
    name: str | None = None,
    minimum_interval_seconds: float | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    required_resource_keys: set[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    target: Any = None,
    hand_over: str = ONE_BY_ONE,
    policy: TriggerPolicy | None = None,
) -> Callable[[Callable[..., Any]], AssetSensorDefinition]:
    """Decorate a function ``(context, asset_event)`` that hears of each new materialisation of an asset.

    ``hand_over``: ``"one_by_one"`` calls it for each, in order; ``"batch"`` gives it a list of all that are new at once;
    ``"newest"`` gives it only the newest of them and drops the others.
    """

    def decorate(fn: Callable[..., Any]) -> AssetSensorDefinition:
        made = AssetSensorDefinition(
            name or function_name(fn, "sensor function"),
            asset_key,
            job_name,
            fn,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            target=target,
            hand_over=hand_over,
            policy=policy,
        )
        return remember(made, fn)  # type: ignore[no-any-return]

    return decorate


class MultiAssetSensorDefinition(SensorDefinition):
    """A sensor whose context tells of the new materialisations of several assets."""

    kind = "multi_asset"

    def __init__(
        self,
        name: str,
        monitored_assets: Sequence[AssetKey] | AssetSelection,
        job_name: str | None,
        asset_materialization_fn: Callable[..., Any],
        minimum_interval_seconds: float | None = None,
        description: str | None = None,
        job: Any = None,
        jobs: Sequence[Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        request_assets: Any = None,
        required_resource_keys: set[str] | None = None,
        tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        policy: TriggerPolicy | None = None,
    ) -> None:
        if isinstance(monitored_assets, AssetSelection):
            self.monitored_assets: Any = monitored_assets
        elif isinstance(monitored_assets, str | AssetKey):
            raise ParameterCheckError(
                f"sensor {name!r}: expected monitored_assets as a list of keys or a selection, got {monitored_assets!r}; "
                "write a list"
            )
        else:
            self.monitored_assets = [coerce_asset_key(key) for key in monitored_assets]
        super().__init__(
            name,
            evaluation_fn=asset_materialization_fn,
            job_name=job_name,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            asset_selection=request_assets,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            policy=policy,
        )

    @property
    def sensor_type(self) -> SensorType:
        """The kind of sensor."""
        return SensorType.MULTI_ASSET

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the decorated function directly, as a test does; the context's cursor is then where it was advanced to.

        Raises:
            InvalidInvocationError: when the context is missing.
        """
        returned = super().__call__(*args, **kwargs)
        given = (one for one in (*args, *kwargs.values()) if hasattr(one, "update_cursor_after_evaluation"))
        context = next(given, None)
        if context is None:
            return returned
        if inspect.isgenerator(returned):
            return _with_end(returned, context.update_cursor_after_evaluation)
        context.update_cursor_after_evaluation()
        return returned

    def collect(self, context: Any) -> SensorOutcome:
        """What its function asks for; the context's position becomes the cursor.

        Requests without an advance consume what the function was shown, so that it is not delivered again.

        Raises:
            Exception: whatever the user's function raises.
            InvariantViolationError: when it sets a cursor, which is the context's here.
        """
        if not hasattr(context, "finish_evaluation"):
            context = hooks().watch_assets(context, self.monitored_assets)
        outcome = sensor_outcome(self.function.call(context), None, self.what)
        if outcome.cursor_changed:
            raise InvariantViolationError(
                f"{self.what}: expected no cursor in the result, since the context keeps it, got {outcome.cursor!r}; use "
                "context.advance_cursor() or context.advance_all_cursors()"
            )
        cursor, changed = context.finish_evaluation(requested=bool(outcome.requests))
        return outcome._replace(cursor=cursor, cursor_changed=changed)


def _with_end(asked: Generator[Any, Any, Any], at_end: Callable[[], None]) -> Generator[Any, Any, Any]:
    returned = yield from asked
    at_end()
    return returned


def multi_asset_sensor(
    monitored_assets: Any,
    *,
    job_name: str | None = None,
    name: str | None = None,
    minimum_interval_seconds: float | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    request_assets: Any = None,
    required_resource_keys: set[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    policy: TriggerPolicy | None = None,
) -> Callable[[Callable[..., Any]], MultiAssetSensorDefinition]:
    """Decorate a function that looks, through its context, at the materialisations of several assets."""

    def decorate(fn: Callable[..., Any]) -> MultiAssetSensorDefinition:
        made = MultiAssetSensorDefinition(
            name or function_name(fn, "sensor function"),
            monitored_assets,
            job_name,
            fn,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            request_assets=request_assets,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            policy=policy,
        )
        return remember(made, fn)  # type: ignore[no-any-return]

    return decorate
