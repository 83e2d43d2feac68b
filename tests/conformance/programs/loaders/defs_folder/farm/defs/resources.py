import dagster as dg


class Barn(dg.ConfigurableResource):
    size: int = 3


@dg.definitions
def resources() -> dg.Definitions:
    return dg.Definitions(resources={"barn": Barn(size=7)})
