import dagster as dg


@dg.asset
def buoy() -> int:
    return 1
