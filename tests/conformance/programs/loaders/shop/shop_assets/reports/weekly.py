from dagster import WeeklyPartitionsDefinition, asset


@asset(partitions_def=WeeklyPartitionsDefinition("2024-01-07"), deps=["summary"])
def weekly_report(context):
    return context.partition_key
