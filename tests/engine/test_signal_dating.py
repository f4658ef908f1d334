"""Signals without a time: the same idea whenever it is read; sizes by the names of their options."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine.market import Side
from papertrade.engine.signal import Signal, Size, SizeKind, parse_size

DATED = Signal(source="s", external_id="1", symbol="BTCUSDT", side=Side.LONG, made_at_ms=1_000, expires_at_ms=5_000)


def test_an_undated_signal_read_later_is_the_same_idea() -> None:
    first = replace(DATED, is_dated=False, expires_at_ms=None)
    later = replace(first, made_at_ms=9_000)
    assert first.content() == later.content()
    assert later.is_same_idea(first)


def test_an_undated_duration_moves_with_the_time_of_reading() -> None:
    first = replace(DATED, is_dated=False, is_expiry_dated=False)
    later = replace(first, made_at_ms=9_000, expires_at_ms=13_000)
    assert first.content() == later.content()
    assert not replace(later, expires_at_ms=14_000).is_same_idea(first)


def test_an_undated_signal_with_a_dated_expiry_keeps_it() -> None:
    first = replace(DATED, is_dated=False)
    assert replace(first, made_at_ms=9_000).is_same_idea(first)
    assert not replace(first, expires_at_ms=6_000).is_same_idea(first)


def test_what_was_stored_need_not_remember_that_it_was_undated() -> None:
    stored = replace(DATED, made_at_ms=2_000, expires_at_ms=6_000)
    assert replace(DATED, is_dated=False, is_expiry_dated=False).is_same_idea(stored)
    assert replace(stored, is_dated=False) == stored


def test_a_dated_signal_is_another_idea_at_another_time() -> None:
    assert not replace(DATED, made_at_ms=1_001).is_same_idea(DATED)


@pytest.mark.parametrize("tag", ["", " a", "a;b", "x" * 65])
def test_a_tag_that_no_file_could_hold_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        replace(DATED, tags=(tag,))


@pytest.mark.parametrize(
    ("measure", "text", "kind", "value"),
    [
        ("size", "0.5", SizeKind.QUANTITY, "0.5"),
        ("notional", " 500 ", SizeKind.NOTIONAL, "500"),
        ("percent", "10", SizeKind.PERCENT, "10"),
        ("percent", "10%", SizeKind.PERCENT, "10"),
        ("risk", "1%", SizeKind.RISK_PERCENT, "1"),
        ("risk", "50", SizeKind.RISK_AMOUNT, "50"),
    ],
)
def test_a_size_is_read(measure: str, text: str, kind: SizeKind, value: str) -> None:
    assert parse_size(measure, text) == Size(kind, Decimal(value))


@pytest.mark.parametrize(
    ("measure", "text"),
    [
        ("size", "5%"),
        ("notional", "5%"),
        ("percent", "101"),
        ("risk", "-1"),
        ("risk", "101%"),
        ("size", "0"),
        ("x", "1"),
    ],
)
def test_a_size_that_is_none_is_refused(measure: str, text: str) -> None:
    with pytest.raises(ValueError):
        parse_size(measure, text)
