"""How far listening sensors are behind: events not handed over yet, the age of the oldest, and those set aside."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tidewheel.services.code.catalog import Catalog
from tidewheel.services.triggers.sensor_events import LISTENING_KINDS, count_backlog
from tidewheel.services.triggers.trigger_book import TriggerBook
from tidewheel.storage.ports.ledger import LedgerPort


class SensorLag(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``seconds_behind``: the age of the oldest event that the sensor has not been handed, 0 when there is none."""

    events_behind: int = 0
    seconds_behind: float = 0.0
    retrying_events: int = 0
    set_aside_events: int = 0


def load_lags(
    ledger: LedgerPort, catalog: Catalog, book: TriggerBook, clock: Callable[[], float]
) -> dict[str, SensorLag]:
    """By trigger id, the lag of every listening sensor."""
    now = clock()
    retrying: dict[str, int] = {}
    aside: dict[str, int] = {}
    for one in ledger.inbox.get_redeliveries():
        counts = aside if one.is_set_aside else retrying
        counts[one.trigger_id] = counts.get(one.trigger_id, 0) + 1
    lags: dict[str, SensorLag] = {}
    for trigger_id, _, sensor in catalog.sensors():
        record = book.get(trigger_id)
        if record is None or sensor.kind not in LISTENING_KINDS:
            continue
        backlog = count_backlog(ledger, sensor, record)
        lags[trigger_id] = SensorLag(
            events_behind=backlog.count,
            seconds_behind=max(0.0, now - backlog.oldest_at) if backlog.oldest_at is not None else 0.0,
            retrying_events=retrying.get(trigger_id, 0),
            set_aside_events=aside.get(trigger_id, 0),
        )
    return lags
