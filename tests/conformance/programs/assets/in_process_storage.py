from dagster import (
    AssetSelection,
    DagsterInstance,
    Definitions,
    asset,
    define_asset_job,
    materialize,
    materialize_to_memory,
)


@asset
def upstream():
    return 5


@asset
def downstream(upstream):
    return upstream + 1


only_down = define_asset_job("only_down", selection="downstream")
everything = define_asset_job("everything", selection="*")
defs = Definitions(assets=[upstream, downstream], jobs=[only_down, everything])


def observe():
    with DagsterInstance.ephemeral() as instance:
        defs.get_job_def("everything").execute_in_process(instance=instance)
        second = defs.get_job_def("only_down").execute_in_process(instance=instance, raise_on_error=False)
        third = materialize(
            [upstream, downstream], selection=[downstream], instance=instance, raise_on_error=False
        )
        fourth = materialize_to_memory(
            [upstream, downstream], selection=[downstream], instance=instance, raise_on_error=False
        )
        return {"job_again": second.success, "materialize": third.success, "in_memory": fourth.success}
