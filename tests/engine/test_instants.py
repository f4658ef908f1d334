"""Times as people write them: what is read, what is refused, and days in zones with changing clocks."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.instants import LAST_MS, parse_duration, parse_since, parse_time, start_of_day, to_iso

HOUR = 3_600_000
NOW = parse_time("2026-11-20T10:00:00Z")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.000Z"),
        ("2026-11-20T10:00Z", "2026-11-20T10:00:00.000Z"),
        (" 2026-11-20 10:00:00z ", "2026-11-20T10:00:00.000Z"),
        ("2026-11-20T10:00:00+01:00", "2026-11-20T09:00:00.000Z"),
        ("2026-11-20T10:00:00 -0530", "2026-11-20T15:30:00.000Z"),
        ("2026-11-20T10:00:00.25Z", "2026-11-20T10:00:00.250Z"),
        ("2026-11-20T10:00:00,5Z", "2026-11-20T10:00:00.500Z"),
        ("2026-11-20T10:00:00.123456+00:00", "2026-11-20T10:00:00.124Z"),
        ("2026-11-20T10:00:59.999999999Z", "2026-11-20T10:01:00.000Z"),
        ("1795168800000", "2026-11-20T10:00:00.000Z"),
        ("100000000000", "1973-03-03T09:46:40.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_read(text: str, iso: str) -> None:
    assert to_iso(parse_time(text)) == iso


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-11-20T10:00:00", "has no zone: write `2026-11-20T10:00:00Z`"),
        ("1795168800", "looks like epoch seconds"),
        ("99999999999", "looks like epoch seconds"),
        ("100000000", "looks like epoch seconds"),
        ("99999999", "`99999999` is not a time"),
        ("2026", "`2026` is not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds"),
        ("0", "`0` is not a time"),
        ("999999999999999", "must lie between the years 1970 and 9999"),
        ("1969-12-31T23:59:59Z", "must lie between"),
        ("0001-01-01T00:00:00+14:00", "must lie between"),
        ("9999-12-31T23:59:59.9999Z", "must lie between"),
        ("2026-02-30T10:00:00Z", "is not a time"),
        ("2026-11-20T10:00.5Z", "is not a time"),
        ("2026-11-20T24:00:00Z", "is not a time"),
        ("2026-11-20T10:00:00+25:00", "is not a time"),
        ("2026-11-20", "is not a time"),
        ("now", "is not a time"),
        ("", "is not a time"),
        ("١٧٩٥١٦٨٨٠٠٠٠٠", "is not a time"),
        ("x" * 300, "..."),
    ],
)
def test_what_is_no_instant_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_time(text)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90m", 90 * 60_000),
        ("2h", 2 * HOUR),
        ("1d", 24 * HOUR),
        ("1w", 168 * HOUR),
        ("1h30m", 5_400_000),
        ("30s", 30_000),
    ],
)
def test_a_duration_is_read(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "0s", "2", "h", "-2h", "1.5h", "2 h", "2H", "3661d", "999999999w", "1ms"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "zone", "iso"),
    [
        ("today", "UTC", "2026-11-20T00:00:00.000Z"),
        ("Today", "Asia/Tokyo", "2026-11-19T15:00:00.000Z"),
        ("7d", "Asia/Tokyo", "2026-11-13T10:00:00.000Z"),
        ("2026-11-01", "UTC", "2026-11-01T00:00:00.000Z"),
        ("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00.000Z"),
        ("2026-11-01T08:30", "Europe/Berlin", "2026-11-01T07:30:00.000Z"),
        ("2026-11-01T08:30Z", "Europe/Berlin", "2026-11-01T08:30:00.000Z"),
        ("1795168800000", "Europe/Berlin", "2026-11-20T10:00:00.000Z"),
    ],
)
def test_a_start_is_read_in_the_zone_of_the_asker(text: str, zone: str, iso: str) -> None:
    assert to_iso(parse_since(text, NOW, ZoneInfo(zone))) == iso


def test_a_start_may_have_milliseconds() -> None:
    assert to_iso(parse_since("2026-11-20T10:00:00.250Z", NOW, UTC)) == "2026-11-20T10:00:00.250Z"


def test_a_start_before_1970_is_the_beginning() -> None:
    assert parse_since("10d", HOUR, UTC) == 0


@pytest.mark.parametrize("text", ["", "yesterday morning", "2026-13-01", "7", "1969-01-01"])
def test_what_is_no_start_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_since(text, NOW, UTC)


@pytest.mark.parametrize(
    ("noon", "hours"), [("2026-03-29T12:00:00Z", 23), ("2026-10-25T12:00:00Z", 25), ("2026-11-20T12:00:00Z", 24)]
)
def test_a_day_is_as_long_as_the_clock_says(noon: str, hours: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = start_of_day(parse_time(noon), berlin)
    assert start_of_day(start + 26 * HOUR, berlin) - start == hours * HOUR


@given(st.integers(0, LAST_MS))
def test_a_printed_instant_is_read_back(at_ms: int) -> None:
    assert parse_time(to_iso(at_ms)) == at_ms


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_time, parse_duration, lambda one: parse_since(one, NOW, UTC)):
        try:
            assert 0 <= parse(text) <= LAST_MS
        except ValueError as error:
            assert str(error)
