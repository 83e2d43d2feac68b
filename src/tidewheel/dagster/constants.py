"""Constants that users' files import from Dagster's private modules, with its values: names, limits, names of tags."""

from __future__ import annotations

from tidewheel.definitions.assets.data_version import DataVersion

DEFAULT_OUTPUT = "result"
DEFAULT_GROUP_NAME = "default"
DEFAULT_IO_MANAGER_KEY = "io_manager"
INVALID_NAME_CHARS = r"[^A-Za-z0-9_]"
VALID_NAME_REGEX_STR = r"^[A-Za-z0-9_]+$"
MAX_TITLE_LENGTH = 100

DEFAULT_DATA_VERSION = DataVersion("INITIAL")
NULL_DATA_VERSION = DataVersion("NULL")
UNKNOWN_DATA_VERSION = DataVersion("UNKNOWN")
INPUT_DATA_VERSION_TAG_PREFIX = "dagster/input_data_version"
INPUT_EVENT_POINTER_TAG_PREFIX = "dagster/input_event_pointer"

ASSET_EVALUATION_ID_TAG = "dagster/asset_evaluation_id"
ASSET_RESUME_RETRY_TAG = "dagster/is_asset_resume_retry"
AUTO_MATERIALIZE_TAG = "dagster/auto_materialize"
AUTO_OBSERVE_TAG = "dagster/auto_observe"
AUTOMATION_CONDITION_TAG = "dagster/from_automation_condition"
DOCKER_IMAGE_TAG = "dagster/image"
EXTERNAL_JOB_SOURCE_TAG_KEY = "dagster/external_job_source"
LEGACY_COMPUTE_KIND_TAG = "kind"
OP_SELECTION_TAG = "dagster/solid_selection"
PARENT_BACKFILL_ID_TAG = "dagster/parent_backfill_id"
POOL_TAG_PREFIX = ".dagster/pool/"
REPORTING_USER_TAG = "dagster/reporting_user"
ROOT_BACKFILL_ID_TAG = "dagster/root_backfill_id"
RUN_ISOLATION_TAG = "dagster/isolation"
RUN_WORKER_ID_TAG = ".dagster/run_worker"
STEP_SELECTION_TAG = "dagster/step_selection"
USER_TAG = "user"
