from dagster import AssetsDefinition, BackfillPolicy, DailyPartitionsDefinition, Definitions, asset


@asset(
    name="everything_set",
    key_prefix=["shop"],
    group_name="web",
    owners=["web@example.org"],
    tags={"a": "b"},
    kinds={"python", "duckdb"},
    code_version="4",
    description="long\nwinded",
    metadata={"x": 1, "y": [1, 2]},
    op_tags={"cpu": "2"},
    partitions_def=DailyPartitionsDefinition(start_date="2024-03-01", end_date="2024-03-05"),
    backfill_policy=BackfillPolicy.single_run(),
    pool="writers",
)
def clicks():
    """A docstring that the description hides."""


@asset
def documented():
    """First line of the docstring.

    Second paragraph.
    """


@asset(
    backfill_policy=BackfillPolicy.multi_run(max_partitions_per_run=3),
    partitions_def=DailyPartitionsDefinition("2024-01-01"),
)
def batched():
    return None


defs = Definitions(assets=[clicks, documented, batched])


def observe():
    changed: AssetsDefinition = batched.with_attributes(group_names_by_key={batched.key: "mobile"})
    return {
        "op_tags": dict(clicks.op.tags),
        "pool": clicks.op.pool,
        "groups": [list(clicks.group_names_by_key.values()), list(changed.group_names_by_key.values())],
        "code_version": clicks.code_versions_by_key[clicks.key],
        "tags": dict(clicks.tags_by_key[clicks.key]),
        "node_def": clicks.node_def.name,
        "key": clicks.key.path,
        "description": documented.descriptions_by_key[documented.key],
        "batch": [
            clicks.backfill_policy.policy_type,
            batched.backfill_policy.policy_type,
            batched.backfill_policy.max_partitions_per_run,
        ],
    }
