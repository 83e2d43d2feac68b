import dagster as dg


@dg.definitions
def resources():
    return dg.Definitions(resources={"tower": "the mole"})
