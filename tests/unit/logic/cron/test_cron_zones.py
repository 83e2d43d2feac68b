"""Zone names, and stretches of constant offset."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.cron.errors import CronError, ZoneError
from tidewheel.logic.cron.zones import first_instant, offset_at, require_zone, stretch_at

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Havana",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Africa/Casablanca",
]


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("US/Pacific", "US/Pacific"),
        ("EST5EDT", "EST5EDT"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("UTC", "UTC"),
        ("utc", "UTC"),
        ("", "UTC"),
    ],
)
def test_accepted(name, canonical):
    assert require_zone(name) == canonical


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("europe/berlin", "use 'Europe/Berlin'"),
        ("Utc", "'UTC'"),
        ("+02:00", "offsets are not zones"),
        ("Z", "offsets are not zones"),
        ("Europe/Berlim", "did you mean 'Europe/Berlin'"),
        ("Mars/Olympus", "IANA"),
        ("../etc/passwd", "IANA"),
        ("posix/Europe/Berlin", "IANA"),
        ("localtime", "IANA"),
        ("Europe", "IANA"),
    ],
)
def test_rejected_with_advice(name, words):
    with pytest.raises(ZoneError) as caught:
        require_zone(name)
    assert words in str(caught.value)
    assert repr(name) in str(caught.value)
    assert isinstance(caught.value, CronError)


@given(st.sampled_from(ZONES), st.integers(-1_000_000_000, 4_000_000_000))
def test_offsets_agree_with_the_zone_data(zone, instant):
    expected = datetime.fromtimestamp(instant, ZoneInfo(zone)).utcoffset()
    assert timedelta(seconds=offset_at(zone, instant)) == expected
    stretch = stretch_at(zone, instant)
    assert stretch.start <= instant < stretch.end
    assert stretch_at(zone, stretch.start - 1).offset == stretch.before
    assert stretch_at(zone, stretch.end).offset == stretch.after


def local_seconds(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Europe/Berlin", (2024, 1, 1, 12), (2024, 1, 1, 11)),
        ("Europe/Berlin", (2024, 3, 31, 2, 30), (2024, 3, 31, 1)),  # skipped: the instant of the change
        ("Europe/Berlin", (2024, 10, 27, 2, 30), (2024, 10, 27, 0, 30)),  # twice: the first
        ("America/Havana", (2024, 3, 10, 0, 0), (2024, 3, 10, 5)),
        ("Pacific/Apia", (2011, 12, 30, 12, 0), (2011, 12, 30, 10)),  # a whole day is skipped
        ("Pacific/Kiritimati", (2024, 1, 1, 0), (2023, 12, 31, 10)),
        ("Pacific/Pago_Pago", (2024, 1, 1, 0), (2024, 1, 1, 11)),
    ],
)
def test_first_instant_of_a_local_time(zone, local, utc):
    assert first_instant(zone, local_seconds(*local)) == local_seconds(*utc)
