"""Reads what steps wrote to standard output and error, from the files that the run's log names; secrets are masked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import msgspec

from tidewheel.errors import ParameterCheckError
from tidewheel.runtime.masking import mask_text
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.events import CapturedLogs, Event

MAX_PART_BYTES = 256 * 1024
"""Of one stream in one part; the cursor leads to the rest."""
CURSOR_SHAPE = "expected a cursor of this server ('<bytes of stdout>:<bytes of stderr>'), got {!r}"


class OutputName(msgspec.Struct, frozen=True, kw_only=True):
    """One capture of a run: what it is called, and the steps that wrote into it."""

    key: str
    steps: tuple[str, ...] = ()


class OutputPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of both streams of a capture; a stream without a file is None. ``cursor``: where the next part begins."""

    key: str
    stdout: Optional[str] = None
    stderr: Optional[str] = None
    cursor: str = "0:0"

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing (more) to read."""
        return not self.stdout and not self.stderr


def capture_key(event: Event) -> str:
    """What an event's capture is called in its run: the file's name without its ending."""
    payload = event.payload
    path = (payload.stdout_path or payload.stderr_path or "") if isinstance(payload, CapturedLogs) else ""
    return path.rpartition("/")[2].partition(".")[0] or (event.step_key or "")


def _captures(ledger: LedgerPort, run_id: str) -> Iterator[tuple[OutputName, CapturedLogs]]:
    for stored in ledger.get_run_log(run_id):
        payload = stored.event.payload
        if isinstance(payload, CapturedLogs):
            yield OutputName(key=capture_key(stored.event), steps=tuple(payload.steps)), payload


def output_names(ledger: LedgerPort, run_id: str) -> list[OutputName]:
    """All captures of a run, in the order of its log."""
    return [name for name, _ in _captures(ledger, run_id)]


def output_files(ledger: LedgerPort, home: Path, run_id: str, key: str) -> tuple[Path | None, Path | None]:
    """The files of a capture, by its key or a step's.

    They are found through the run's log, so that no other file can be named; and they are below the home.
    """
    for name, payload in _captures(ledger, run_id):
        if key == name.key or key in name.steps:
            return _below(home, payload.stdout_path), _below(home, payload.stderr_path)
    return None, None


def read_output(ledger: LedgerPort, home: Path, run_id: str, key: str, cursor: str | None) -> OutputPart:
    """A part of both streams, from the cursor on.

    Raises:
        ParameterCheckError: when the cursor is none of ours.
    """
    places = _places(cursor)
    texts: list[str | None] = []
    ends = []
    for file, place in zip(output_files(ledger, home, run_id, key), places, strict=True):
        data = read_part(file, place) if file is not None else None
        texts.append(None if data is None else mask_text(data.decode("utf-8", "replace")))
        ends.append(place + len(data or b""))
    return OutputPart(key=key, stdout=texts[0], stderr=texts[1], cursor=f"{ends[0]}:{ends[1]}")


def _places(cursor: str | None) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    first, _, second = cursor.partition(":")
    if not all(part.isascii() and part.isdigit() and len(part) <= 15 for part in (first, second)):
        raise ParameterCheckError(CURSOR_SHAPE.format(cursor[:80]))
    return int(first), int(second)


def _below(home: Path, path: str | None) -> Path | None:
    if path is None:
        return None
    full = (home / path).resolve()
    return full if full.is_relative_to(home.resolve()) and full.is_file() else None


def read_part(file: Path, place: int) -> bytes:
    """Bytes of a file from a place on, so cut that no line (if lines are short enough) and no character is halved."""
    with file.open("rb") as stream:
        stream.seek(place)
        data = stream.read(MAX_PART_BYTES)
    if len(data) == MAX_PART_BYTES and (line_end := data.rfind(b"\n")) >= 0:
        return data[: line_end + 1]  # a secret in the line that the limit cuts is masked with the next part
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.end == len(data) and error.start > 0 and error.reason == "unexpected end of data":
            return data[: error.start]  # the rest of this character comes with the next part
    return data
