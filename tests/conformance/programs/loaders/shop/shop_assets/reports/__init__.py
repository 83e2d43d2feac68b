from dagster import asset


@asset
def summary():
    return "s"
