"""How backfills look to people: their state in a word, their progress in numbers, when they will be done."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from tidewheel.cli.output import duration, moment
from tidewheel.values.backfills import BackfillCounts, BackfillRecord, BackfillStatus
from tidewheel.values.records import RunRecord
from tidewheel.values.run_titles import run_title
from tidewheel.values.status import IN_PROGRESS_STATUSES, RunStatus

WINDOW_S = 60.0
"""Over which the speed is measured while one is watched."""

WORDS = {
    BackfillStatus.REQUESTED: "running",
    BackfillStatus.CANCELING: "stopping",
    BackfillStatus.CANCELED: "cancelled",
    BackfillStatus.COMPLETED_SUCCESS: "succeeded",
    BackfillStatus.COMPLETED_FAILED: "failed",
    BackfillStatus.FAILED: "broken",
}
HEADINGS = (
    "BACKFILL",
    "OF",
    "STATE",
    "DONE",
    "FAILED",
    "QUEUED",
    "RUNNING",
    "WAITING",
    "CREATED",
    "TOOK",
    "ETA",
)


class Speed:
    """Partitions a second, from what had ended at which moment."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now: float, counts: BackfillCounts) -> None:
        """So many have ended by now."""
        self._seen.append((now, counts.ended))
        while len(self._seen) > 2 and self._seen[1][0] < now - WINDOW_S:
            self._seen.popleft()

    def left_s(self, counts: BackfillCounts) -> float | None:
        """Seconds until everything has ended at the present speed; None when nothing moves."""
        if len(self._seen) < 2:
            return None
        (began, before), (ended, after) = self._seen[0], self._seen[-1]
        if after <= before or ended <= began:
            return None
        return (counts.wanted - counts.ended) * (ended - began) / (after - before)


def overall_left_s(record: BackfillRecord, now: float) -> float | None:
    """Seconds until everything has ended at the speed since the beginning; None when it has, or nothing has ended."""
    counts = record.counts
    if not record.is_live or not counts.ended:
        return None
    return (counts.wanted - counts.ended) * (now - record.created_at) / counts.ended


def subject(record: BackfillRecord) -> str:
    """What is backfilled, in a few words."""
    fields = record.fields
    if fields.job_name is not None:
        return f"job {fields.job_name}"
    names = [part.name for part in fields.parts]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def queued_and_running(runs: Mapping[str, int]) -> tuple[int, int]:
    """Of a backfill's runs by status, how many wait in the queue, and how many are being executed."""
    return runs.get(RunStatus.QUEUED.value, 0), sum(runs.get(one.value, 0) for one in IN_PROGRESS_STATUSES)


def row(record: BackfillRecord, runs: Mapping[str, int], now: float) -> tuple[str, ...]:
    """One line of a list. ``runs``: how many there are, by status."""
    counts = record.counts
    queued, running = queued_and_running(runs)
    left = overall_left_s(record, now)
    return (
        record.backfill_id,
        subject(record),
        WORDS[record.status],
        f"{counts.done}/{counts.wanted}",
        str(counts.failed + counts.left_out) if counts.failed + counts.left_out else "",
        str(queued) if record.is_live else "",
        str(running) if record.is_live else "",
        str(counts.waiting) if counts.waiting else "",
        moment(record.created_at),
        duration(record.created_at, record.ended_at or now),
        "" if left is None else f"in {duration(0, left)}",
    )


def progress_line(record: BackfillRecord, runs: Mapping[str, int], left_s: float | None) -> str:
    """The progress in one line, as it is printed where there is no terminal. ``runs``: how many there are, by status."""
    counts = record.counts
    parts = [f"{counts.done} of {counts.wanted} done"]
    queued, running = queued_and_running(runs)
    for number, word in (
        (counts.in_progress, f"in runs ({queued} queued, {running} running)"),
        (counts.waiting, "waiting"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
        (counts.left_out, "left out"),
    ):
        if number:
            parts.append(f"{number} {word}")
    if record.is_live and left_s is not None:
        parts.append(f"about {duration(0, left_s)} left")
    return f"backfill {record.backfill_id} {WORDS[record.status]}: " + ", ".join(parts)


def failed_line(run: RunRecord) -> str:
    """A failed run of a backfill: which partitions it was for, of what, and where to look."""
    title = run_title(run.job_name, run.assets, run.checks)
    return f"{'failed':<12} {run.partition_text or ''} of {title}  tidewheel run logs {run.run_id}"


def facts(record: BackfillRecord, runs: Mapping[str, int], now: float) -> Sequence[tuple[str, str | None]]:
    """Everything about one, as labels and values."""
    fields = record.fields
    left = overall_left_s(record, now)
    return (
        ("title", fields.title),
        ("of", ", ".join(part.name for part in fields.parts)),
        ("state", WORDS[record.status]),
        ("progress", progress_line(record, runs, left).partition(": ")[2]),
        ("runs", ", ".join(f"{count} {status}" for status, count in runs.items())),
        ("error", record.error.headline if record.error else None),
        ("created", moment(record.created_at)),
        ("ended", moment(record.ended_at)),
        ("took", duration(record.created_at, record.ended_at or now)),
        ("attempt", str(record.attempt) if record.attempt > 1 else None),
        ("repeats", fields.parent_id),
        ("asked by", record.trigger_id),
        ("tags", ", ".join(f"{key}={value}" for key, value in sorted(fields.tags.items()))),
    )
