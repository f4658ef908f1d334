"""How numbers and times look; every row can be checked by hand."""

from __future__ import annotations

from datetime import UTC, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.render import numbers
from papertrade.render.text import Cell, Tone

AT = 1_795_168_807_005


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("10000", "10000.00"),
        ("1234567.891", "1234567.89"),
        ("-5", "-5.00"),
        ("0", "0.00"),
        ("-0", "0.00"),
        ("0.5", "0.50"),
        ("0.123456", "0.1235"),
        ("0.0123456", "0.01235"),
        ("0.00001234", "0.00001234"),
        ("-0.00000001", "-0.00000001"),
        ("0.99999", "1.00"),
        ("2.345", "2.34"),
        ("1E+3", "1000.00"),
    ],
)
def test_money(value: str, shown: str) -> None:
    assert numbers.money(Decimal(value)) == shown


@pytest.mark.parametrize(
    ("value", "money", "percent", "r"),
    [
        ("12.3", "+12.30", "+12.30%", "+12.30R"),
        ("-5", "-5.00", "-5.00%", "-5.00R"),
        ("0", "0.00", "0.00%", "0.00R"),
        ("0.001", "+0.001", "0.00%", "0.00R"),
        ("-0.001", "-0.001", "0.00%", "0.00R"),
    ],
)
def test_signs_are_shown_unless_the_number_is_zero(value: str, money: str, percent: str, r: str) -> None:
    amount = Decimal(value)
    assert (numbers.signed_money(amount), numbers.signed_percent(amount), numbers.r_multiple(amount)) == (
        money,
        percent,
        r,
    )


def test_an_unknown_is_a_dash_and_never_zero() -> None:
    shown = {
        numbers.money(None),
        numbers.signed_money(None),
        numbers.percent(None),
        numbers.signed_percent(None),
        numbers.r_multiple(None),
        numbers.exact_number(None),
        numbers.age(None, AT),
        numbers.local_minute(None, UTC),
        numbers.local_second(None, UTC),
        numbers.short_minute(None, UTC),
    }
    assert shown == {"-"}


def test_prices_keep_every_digit() -> None:
    assert numbers.exact_number(Decimal("0.123456789012345678")) == "0.123456789012345678"
    assert numbers.exact_number(Decimal("6E+4")) == "60000"


def test_percent_takes_the_places_it_is_told() -> None:
    assert numbers.percent(Decimal("33.3333"), 1) == "33.3%"


@pytest.mark.parametrize(
    ("value", "tone"), [("1", Tone.GAIN), ("-1", Tone.LOSS), ("0", Tone.PLAIN), (None, Tone.PLAIN)]
)
def test_colour_repeats_the_sign(value: str | None, tone: Tone) -> None:
    assert numbers.toned(None if value is None else Decimal(value), "x") == Cell("x", tone)


@pytest.mark.parametrize(
    ("span_ms", "shown"),
    [
        (0, "0s"),
        (999, "0s"),
        (12_000, "12s"),
        (309_999, "5m 09s"),
        (7_500_000, "2h 05m"),
        (273_600_000, "3d 04h"),
        (-7_500_000, "-2h 05m"),
        (-500, "0s"),
    ],
)
def test_duration(span_ms: int, shown: str) -> None:
    assert numbers.duration(span_ms) == shown


@pytest.mark.parametrize(
    ("span_ms", "shown"),
    [(-5_000, "0s"), (0, "0s"), (59_999, "59s"), (60_000, "1m"), (3_600_000, "1h"), (172_800_000, "2d")],
)
def test_age(span_ms: int, shown: str) -> None:
    assert numbers.age(AT - span_ms, AT) == shown


@pytest.mark.parametrize(
    ("at_ms", "shown"),
    [
        (AT, "2026-11-20T10:00:07.005Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_iso_z(at_ms: int, shown: str) -> None:
    assert numbers.iso_z(at_ms) == shown


@pytest.mark.parametrize(
    ("zone", "minute", "second", "short"),
    [
        (UTC, "2026-11-20 10:00 UTC", "2026-11-20 10:00:07 UTC", "11-20 10:00"),
        (ZoneInfo("Europe/Berlin"), "2026-11-20 11:00 CET", "2026-11-20 11:00:07 CET", "11-20 11:00"),
    ],
)
def test_times_name_their_zone(zone: tzinfo, minute: str, second: str, short: str) -> None:
    assert numbers.local_minute(AT, zone) == minute
    assert numbers.local_second(AT, zone) == second
    assert numbers.short_minute(AT, zone) == short


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=8))
def test_money_is_a_plain_number_near_the_amount(value: Decimal) -> None:
    shown = numbers.money(value)
    assert set(shown) <= set("-.0123456789")
    assert 2 <= len(shown.partition(".")[2]) <= 8
    assert abs(Decimal(shown) - value) <= max(Decimal("0.005"), abs(value) / 1000)
