from dagster import (
    Definitions,
    DynamicOut,
    DynamicOutput,
    RetryPolicy,
    asset,
    graph_asset,
    op,
    define_asset_job,
)


@op(out=DynamicOut())
def pages():
    for number in (1, 2, 3):
        yield DynamicOutput(number, mapping_key=f"page_{number}")


@op(retry_policy=RetryPolicy(max_retries=2, delay=0))
def fetch(context, number):
    if number == 2 and context.retry_number == 0:
        raise ConnectionError("try again")
    return f"<{number}>"


@op
def bind(texts):
    return "".join(texts)


@graph_asset(group_name="books")
def book():
    return bind(pages().map(fetch).collect())


@asset
def shelf(book):
    return [book]


defs = Definitions(assets=[book, shelf], jobs=[define_asset_job("books", "*")])
