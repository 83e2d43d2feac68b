"""Names of the tags that the system puts on runs and materialisations (spelled as in Dagster, see semantics A56, B13)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SYSTEM_TAG_PREFIX = "dagster/"
HIDDEN_TAG_PREFIX = ".dagster/"

SCHEDULE_NAME = "dagster/schedule_name"
SENSOR_NAME = "dagster/sensor_name"
TICK = "dagster/tick"
EVALUATION_ID = "dagster/asset_evaluation_id"
RUN_KEY = "dagster/run_key"
BACKFILL = "dagster/backfill"
PARENT_BACKFILL_ID = "dagster/parent_backfill_id"
ROOT_BACKFILL_ID = "dagster/root_backfill_id"
PARTITION = "dagster/partition"
PARTITION_SET = "dagster/partition_set"
PARTITION_DIMENSION_PREFIX = "dagster/partition/"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
PARENT_RUN_ID = "dagster/parent_run_id"
ROOT_RUN_ID = "dagster/root_run_id"
IS_RESUME_RETRY = "dagster/is_resume_retry"
PRIORITY = "dagster/priority"
MAX_RETRIES = "dagster/max_retries"
RETRY_NUMBER = "dagster/retry_number"
RETRY_STRATEGY = "dagster/retry_strategy"
RETRY_ON_ASSET_OR_OP_FAILURE = "dagster/retry_on_asset_or_op_failure"
WILL_RETRY = "dagster/will_retry"
AUTO_RETRY_RUN_ID = "dagster/auto_retry_run_id"
MAX_RUNTIME = "dagster/max_runtime"
FAILURE_REASON = "dagster/failure_reason"
CODE_LOCATION = "dagster/code_location"
CONCURRENCY_KEY = "dagster/concurrency_key"
COMPUTE_KIND = "dagster/compute_kind"
KIND_PREFIX = "dagster/kind/"
SCHEDULED_EXECUTION_TIME = ".dagster/scheduled_execution_time"
CODE_VERSION = "dagster/code_version"
DATA_VERSION = "dagster/data_version"
DATA_VERSION_IS_USER_PROVIDED = "dagster/data_version_is_user_provided"
INPUT_DATA_VERSION_PREFIX = "dagster/input_data_version/"
INPUT_EVENT_POINTER_PREFIX = "dagster/input_event_pointer/"
SERVER_STOPS = "tidewheel/server_stops"
JOINED_REQUESTS = "tidewheel/joined_requests"
JOINED_RUN_KEYS = "tidewheel/joined_run_keys"


def normalize_tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """Tags with text values: strings stay, anything else becomes its JSON text, keys in order (semantics A56).

    Raises:
        TypeError: when a name is not a string or a value cannot be written as JSON.
    """
    result: dict[str, str] = {}
    for name, value in (tags or {}).items():
        if not isinstance(name, str):
            raise TypeError(f"expected tag names to be strings, got {name!r}")
        result[name] = value if isinstance(value, str) else _json_text(name, value)
    return result


def _json_text(name: str, value: Any) -> str:
    try:
        text = json.dumps(value, sort_keys=True)
        is_same = json.loads(text) == value
    except (TypeError, ValueError):
        is_same = False
    if not is_same:
        raise TypeError(f"tag {name!r}: expected a string or what JSON gives back unchanged, got {value!r}")
    return text
