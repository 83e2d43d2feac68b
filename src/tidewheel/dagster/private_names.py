"""Names that users' files import from Dagster's private modules and that are not public: where ours are."""

from __future__ import annotations

_CHECKS = "tidewheel.dagster.argument_checks"
_TIME = "tidewheel.dagster.time_functions"
_CRON = "tidewheel.dagster.cron_functions"
_TESTS = "tidewheel.dagster.test_functions"
_SMALL = "tidewheel.dagster.small_functions"
_TYPES = "tidewheel.dagster.private_types"
_RECORDS = "tidewheel.dagster.records"
_TABLES = "tidewheel.dagster.table_io_manager"
_PATHS = "tidewheel.dagster.file_functions"
_CONSTANTS = "tidewheel.dagster.constants"
_EVENTS = "tidewheel.runtime.views.event_payloads"
_FILES = "tidewheel.definitions.resources.file_managers"
_SELECTION = "tidewheel.definitions.assets.selection"

_SAME_NAMES: dict[str, tuple[str, ...]] = {
    _CHECKS: (
        "assert_never", "bool_param", "callable_param", "class_param", "dict_elem", "dict_param", "failed",
        "float_param", "inst", "inst_param", "int_elem", "int_param", "invariant", "is_dict", "is_iterable",
        "is_list", "iterable_param", "list_elem", "list_param", "mapping_param", "not_implemented", "not_none",
        "not_none_param", "numeric_param", "opt_bool_param", "opt_callable_param", "opt_class_param",
        "opt_dict_elem", "opt_dict_param", "opt_float_param", "opt_inst", "opt_inst_param", "opt_int_elem",
        "opt_int_param", "opt_iterable_param", "opt_list_elem", "opt_list_param", "opt_mapping_param",
        "opt_nullable_dict_param", "opt_nullable_list_param", "opt_nullable_mapping_param",
        "opt_nullable_sequence_param", "opt_nullable_str_param", "opt_numeric_param", "opt_sequence_param",
        "opt_set_param", "opt_str_elem", "opt_str_param", "opt_tuple_param", "param_invariant", "sequence_param",
        "set_param", "str_elem", "str_param", "tuple_param",
    ),
    _TIME: (
        "add_absolute_time", "create_datetime", "datetime_from_timestamp", "dst_safe_strptime", "freeze_time",
        "get_current_datetime", "get_current_timestamp", "get_timezone", "parse_time_string",
    ),
    _CRON: (
        "cron_string_iterator", "get_latest_completed_cron_tick", "get_next_cron_tick", "get_smallest_cron_interval",
        "is_valid_cron_schedule", "is_valid_cron_string", "reverse_cron_string_iterator",
        "schedule_execution_time_iterator",
    ),
    _TESTS: (
        "create_op_with_deps", "create_root_op", "create_run_for_test", "create_stub_op", "create_test_asset_job",
        "assert_namedtuple_lists_equal", "environ", "get_paginated_partition_keys", "ignore_warning", "input_set",
        "raise_exception_on_warnings", "safe_tempfile_path", "step_did_not_run", "step_output_event_filter",
        "step_succeeded", "wrap_op_in_graph_and_execute",
    ),
    _CONSTANTS: (
        "ASSET_EVALUATION_ID_TAG", "ASSET_RESUME_RETRY_TAG", "AUTOMATION_CONDITION_TAG", "AUTO_MATERIALIZE_TAG",
        "AUTO_OBSERVE_TAG", "DEFAULT_DATA_VERSION", "DEFAULT_GROUP_NAME", "DEFAULT_IO_MANAGER_KEY", "DEFAULT_OUTPUT",
        "DOCKER_IMAGE_TAG", "EXTERNAL_JOB_SOURCE_TAG_KEY", "INPUT_DATA_VERSION_TAG_PREFIX",
        "INPUT_EVENT_POINTER_TAG_PREFIX", "INVALID_NAME_CHARS", "LEGACY_COMPUTE_KIND_TAG", "MAX_TITLE_LENGTH",
        "NULL_DATA_VERSION", "OP_SELECTION_TAG", "PARENT_BACKFILL_ID_TAG", "POOL_TAG_PREFIX", "REPORTING_USER_TAG",
        "ROOT_BACKFILL_ID_TAG", "RUN_ISOLATION_TAG", "RUN_WORKER_ID_TAG", "STEP_SELECTION_TAG",
        "UNKNOWN_DATA_VERSION", "USER_TAG", "VALID_NAME_REGEX_STR",
    ),
    _PATHS: (
        "alter_sys_path", "copy_directory", "ensure_dir", "find_free_port", "get_temp_file_name", "new_cwd", "pushd",
        "safe_load_yaml", "script_relative_path", "touch_file",
    ),
    _EVENTS: (
        "AssetMaterializationPlannedData", "AssetObservationData", "EngineEventData", "HandledOutputData",
        "JobFailureData", "LoadedInputData", "StepFailureData", "StepInputData", "StepMaterializationData",
        "StepOutputData", "StepOutputHandle", "StepRetryData", "StepSuccessData", "TypeCheckData", "UserFailureData",
    ),
    _SMALL: (
        "DagsterLibraryRegistry", "backoff", "backoff_delay_generator", "cached_method", "clean_name",
        "clean_name_lower", "coerce_valid_log_level", "create_external_asset_from_source_asset", "deep_merge_dicts",
        "dict_without_keys", "has_kind", "build_kind_tag", "imap", "is_valid_owner", "toposort", "toposort_flatten",
        "non_secure_md5_hash_str",
        "scoped_definitions_load_context", "user_code_error_boundary",
        "ensure_single_item", "extract_data_version_from_entry", "get_multidimensional_partition_tag",
        "get_retries_config", "get_step_dependency_config_field", "get_tag_concurrency_limits_config",
        "get_time_partitions_def", "infer_schema_from_config_class", "make_new_run_id", "merge_dicts", "mkdir_p",
        "normalize_metadata", "normalize_renamed_param", "parse_env_var", "serializable_error_info_from_exc_info",
    ),
    _FILES: ("FileManager", "LocalFileManager"),
    _TABLES: ("DbClient", "DbIOManager", "DbTypeHandler", "TablePartitionDimension", "TableSlice", "static_where_clause"),
    "tidewheel.dagster.metadata_sets": (
        "NamespacedMetadataSet", "NamespacedTagSet", "TableMetadataSet", "UriMetadataSet",
    ),
    _RECORDS: ("IHaveNew", "ImportFrom", "as_dict", "record", "record_custom", "replace", "whitelist_for_serdes"),
    _SELECTION: (
        "AllAssetCheckSelection", "AllSelection", "AndAssetSelection", "AssetCheckKeysSelection",
        "AssetChecksForAssetKeysSelection", "DownstreamAssetSelection", "GroupsAssetSelection",
        "KeyPrefixesAssetSelection", "KeySubstringAssetSelection", "KeyWildCardAssetSelection", "KeysAssetSelection",
        "KindAssetSelection", "MaterializableAssetSelection", "OrAssetSelection", "OwnerAssetSelection",
        "ParentSourcesAssetSelection", "RequiredNeighborsAssetSelection", "RootsAssetSelection", "SinksAssetSelection",
        "SubtractAssetSelection", "TagAssetSelection", "UpstreamAssetSelection",
    ),
    _TYPES: (
        "ACTIVE_RUN_STATUSES", "AssetKeyPartitionKey", "IMPLICIT_ASSET_JOB_NAME", "REPOSITORY_LABEL_TAG",
        "SINGLETON_REPOSITORY_NAME", "TimestampWithTimezone",
        "CoercibleToAssetKey", "CoercibleToAssetKeyPrefix", "DynamicPartitionsStore",
        "MetadataMapping", "RawMetadataMapping", "RawMetadataValue", "RetryMode", "ScheduleType",
        "SYSTEM_METADATA_KEY_ASSET_EXECUTION_TYPE", "SYSTEM_METADATA_KEY_AUTO_OBSERVE_INTERVAL_MINUTES",
        "SYSTEM_METADATA_KEY_DAGSTER_TYPE", "SYSTEM_METADATA_KEY_IO_MANAGER_KEY",
    ),
    "tidewheel.definitions.assets.backfill_policy": ("BackfillPolicyType",),
    "tidewheel.dagster.state_loaders": ("StateBackedDefinitionsLoader",),
    "tidewheel.definitions.api_markers": (
        "PublicAttr", "beta", "beta_param", "beta_warning", "deprecated", "deprecated_param", "deprecation_warning",
        "disable_dagster_warnings", "is_beta", "is_deprecated", "is_preview", "is_public", "is_superseded", "preview",
        "preview_warning", "public", "superseded", "supersession_warning", "suppress_dagster_warnings",
    ),
    "tidewheel.definitions.assets.definition": ("AssetExecutionType",),
    "tidewheel.values.status": ("FINISHED_STATUSES",),
    "tidewheel.definitions.assets.asset_graph": ("AssetCheckNode", "AssetGraph"),
    "tidewheel.definitions.jobs.asset_jobs": ("UnresolvedAssetJobDefinition",),
    "tidewheel.definitions.ops.dependencies": ("DynamicCollectDependencyDefinition", "Node", "NodeHandle"),
    "tidewheel.definitions.assets.freshness": ("CronFreshnessPolicy", "FreshnessState", "TimeWindowFreshnessPolicy"),
    "tidewheel.definitions.ops.hooks": ("HookExecutionResult", "event_list_hook"),
    "tidewheel.definitions.partitions.partition_context": (
        "PartitionLoadingContext", "TemporalContext", "partition_loading_context",
    ),
    "tidewheel.definitions.partitions.partition_mappings": ("UpstreamPartitionsResult", "infer_partition_mapping"),
    "tidewheel.definitions.partitions.partition_subset": ("PartitionsSubset",),
    "tidewheel.definitions.triggers.partitioned_schedule": ("UnresolvedPartitionedAssetScheduleDefinition",),
    "tidewheel.definitions.triggers.sensors": ("SensorType",),
    "tidewheel.values.tags": ("HIDDEN_TAG_PREFIX", "KIND_PREFIX", "SYSTEM_TAG_PREFIX", "normalize_tags"),
}  # fmt: skip

_TAGS = {
    "ASSET_PARTITION_RANGE_END_TAG": "RANGE_END",
    "ASSET_PARTITION_RANGE_START_TAG": "RANGE_START",
    "AUTO_RETRY_RUN_ID_TAG": "AUTO_RETRY_RUN_ID",
    "BACKFILL_ID_TAG": "BACKFILL",
    "CODE_LOCATION_TAG": "CODE_LOCATION",
    "CODE_VERSION_TAG": "CODE_VERSION",
    "COMPUTE_KIND_TAG": "COMPUTE_KIND",
    "DATA_VERSION_IS_USER_PROVIDED_TAG": "DATA_VERSION_IS_USER_PROVIDED",
    "DATA_VERSION_TAG": "DATA_VERSION",
    "GLOBAL_CONCURRENCY_TAG": "CONCURRENCY_KEY",
    "MAX_RETRIES_TAG": "MAX_RETRIES",
    "MAX_RUNTIME_SECONDS_TAG": "MAX_RUNTIME",
    "MULTIDIMENSIONAL_PARTITION_PREFIX": "PARTITION_DIMENSION_PREFIX",
    "PARENT_RUN_ID_TAG": "PARENT_RUN_ID",
    "PARTITION_NAME_TAG": "PARTITION",
    "PARTITION_SET_TAG": "PARTITION_SET",
    "PRIORITY_TAG": "PRIORITY",
    "RESUME_RETRY_TAG": "IS_RESUME_RETRY",
    "RETRY_NUMBER_TAG": "RETRY_NUMBER",
    "RETRY_ON_ASSET_OR_OP_FAILURE_TAG": "RETRY_ON_ASSET_OR_OP_FAILURE",
    "RETRY_STRATEGY_TAG": "RETRY_STRATEGY",
    "ROOT_RUN_ID_TAG": "ROOT_RUN_ID",
    "RUN_FAILURE_REASON_TAG": "FAILURE_REASON",
    "RUN_KEY_TAG": "RUN_KEY",
    "SCHEDULED_EXECUTION_TIME_TAG": "SCHEDULED_EXECUTION_TIME",
    "SCHEDULE_NAME_TAG": "SCHEDULE_NAME",
    "SENSOR_NAME_TAG": "SENSOR_NAME",
    "TICK_ID_TAG": "TICK",
    "WILL_RETRY_TAG": "WILL_RETRY",
}

_OTHER_NAMES = {
    "IN_PROGRESS_RUN_STATUSES": "tidewheel.values.status:IN_PROGRESS_STATUSES",
    "NOT_FINISHED_STATUSES": "tidewheel.values.status:NOT_FINISHED_STATUSES",
    "find_modules_in_package": "tidewheel.definitions.loading.module_assets:modules_of_package",
    "ConfigurableResourceFactory": "tidewheel.definitions.resources.pythonic_resources:ConfigurableResourceFactory",
    "PickledObjectFilesystemIOManager": "tidewheel.definitions.resources.built_in_io_managers:PickleFileIOManager",
    "SerializableErrorInfo": "tidewheel.values.error_info:ErrorInfo",
    "_step_launcher_supersession": f"{_SMALL}:unmarked",
    "dagster_maintained_io_manager": f"{_SMALL}:unmarked",
    "dagster_maintained_resource": f"{_SMALL}:unmarked",
    "_make_anonymous_asset_job_name": f"{_SMALL}:anonymous_job_name",
    "_validate_hook_fn_params": "tidewheel.definitions.ops.hooks:require_parameters",
    "DagsterTypeKind": "tidewheel.definitions.ops.types:RuntimeTypeKind",
    "DefaultPartitionsSubset": "tidewheel.definitions.partitions.partition_subset:KeysSubset",
    "DEFAULT_SENSOR_GRPC_TIMEOUT": f"{_SMALL}:SENSOR_TIMEOUT_S",
    "PICKLE_PROTOCOL": f"{_SMALL}:PICKLE_PROTOCOL",
    "copy": f"{_RECORDS}:replace",
    "IN_PROCESS_NAME": f"{_SMALL}:IN_PROCESS_NAME",
    "safe_is_subclass": f"{_SMALL}:safe_is_subclass",
    "should_disable_io_stream_redirect": f"{_SMALL}:should_disable_io_stream_redirect",
    "ComputeIOType": f"{_TYPES}:ComputeIOType",
    "observe": f"{_TESTS}:observe_assets",
    "resolve_dagster_type": "tidewheel.definitions.ops.types:resolve_type",
    "relativedelta": "dateutil.relativedelta:relativedelta",
    "DagsterUserCodeProcessError": "tidewheel.errors:UserCodeFailedError",
    "DagsterUserCodeUnreachableTimeoutError": "tidewheel.errors:UserCodeTimeoutError",
    "DagsterInvalidDagsterTypeInPythonicConfigDefinitionError": (
        "tidewheel.errors:InvalidPythonicConfigDefinitionError"
    ),
}

PRIVATE_NAMES: dict[str, str] = {
    **{name: f"{module}:{name}" for module, names in _SAME_NAMES.items() for name in names},
    **{name: f"tidewheel.values.tags:{ours}" for name, ours in _TAGS.items()},
    **_OTHER_NAMES,
}
"""Name in Dagster's private modules → ``module:name`` of ours."""
