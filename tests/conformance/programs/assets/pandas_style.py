from dagster import (
    Definitions,
    MaterializeResult,
    MetadataValue,
    Output,
    asset,
    asset_check,
    AssetCheckResult,
)


class Frame:
    """Stands for a data frame: knows its shape and a preview."""

    def __init__(self, rows):
        self.rows = rows

    def head(self):
        return "\n".join(str(row) for row in self.rows[:2])

    def __len__(self):
        return len(self.rows)


@asset(group_name="bronze", compute_kind="pandas")
def raw_trips() -> Output[Frame]:
    frame = Frame([{"id": n, "km": n * 1.5} for n in range(5)])
    return Output(frame, metadata={"num_records": len(frame), "preview": MetadataValue.md(frame.head())})


@asset(group_name="silver", compute_kind="pandas", metadata={"owner": "fleet"})
def long_trips(raw_trips: Frame) -> Frame:
    return Frame([row for row in raw_trips.rows if row["km"] > 3])


@asset(group_name="gold")
def trip_stats(raw_trips: Frame, long_trips: Frame) -> MaterializeResult:
    return MaterializeResult(
        metadata={"share": len(long_trips) / len(raw_trips), "dagster/row_count": len(long_trips)}
    )


@asset_check(asset=raw_trips, blocking=True)
def has_rows(raw_trips: Frame):
    return AssetCheckResult(passed=len(raw_trips) > 0, metadata={"rows": len(raw_trips)})


defs = Definitions(assets=[raw_trips, long_trips, trip_stats], asset_checks=[has_rows])
