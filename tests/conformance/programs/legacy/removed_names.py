"""Old files that no longer load say so at import."""

from dagster import pipeline, solid


@solid
def hello(context):
    return 1


@pipeline
def hello_pipeline():
    hello()
