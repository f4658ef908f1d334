"""`note` and `tag`: what people write beside their trades, without the venue."""

from __future__ import annotations

import pytest

from tests.commands.trading_desk import TradingDesk
from tests.venue_faults import refuse


@pytest.fixture
def held(desk: TradingDesk) -> TradingDesk:
    """A desk with one trade of the signal `s:a`, and a venue that cannot be asked any more."""
    desk.text("long", "BTCUSDT", "--size", "1", "--source", "s", "--id", "a")
    desk.server.always("*", refuse(403))
    return desk


def test_what_a_note_is_about(held: TradingDesk) -> None:
    assert held.text("note", "1", "moved the stop", "--tag", "lesson", "--confidence", "0.3") == "note 1 on trade #1\n"
    assert held.text("note", "s:a", "too late") == "note 2 on signal 1\n"
    assert held.text("note", "binance:btc/usdt", "wild") == "note 3 on BTCUSDT\n"
    assert held.data("note", "slept badly") == {
        "id": 4,
        "trade_id": None,
        "signal_id": None,
        "symbol": None,
        "text": "slept badly",
        "tags": [],
        "confidence": None,
        "at": "2026-11-20T10:00:30.000Z",
    }
    assert "moved the stop" in held.text("show", "1")
    assert "too late" in held.text("signal", "show", "s:a")


WRONG_NOTES = [
    (("7",), 2, "the text is missing"),
    (("a", "b", "c"), 2, "the text has several words without quotes"),
    ((" ",), 2, "a note must have 1 to 4096 characters, this has 1"),
    (("x" * 5000,), 2, "a note must have 1 to 4096 characters, this has 5000"),
    (("9", "text"), 5, "trade `9` does not exist"),
    (("s:b", "text"), 5, "signal `s:b` does not exist"),
    (("?", "text"), 2, "`?` is not a symbol"),
    (("text", "--confidence", "x"), 2, "--confidence: `x` is not a plain decimal number"),
    (("text", "--confidence", "2"), 2, "--confidence `2` must lie between 0 and 1"),
    (("text", "--tag", "a;b"), 2, "tag `a;b` must have 1 to 64 characters, no blank around it and no semicolon"),
]


@pytest.mark.parametrize(("words", "code", "message"), WRONG_NOTES)
def test_notes_that_cannot_be(held: TradingDesk, words: tuple[str, ...], code: int, message: str) -> None:
    said = held.refusal("note", *words)
    assert (said[0], said[1].splitlines()[0]) == (code, f"error: {message}")


def test_tags_on_and_off(held: TradingDesk) -> None:
    assert held.text("tag", "1", "+late", "+breakout") == "#1 tagged long BTCUSDT: breakout, late\n"
    assert held.data("tag", "BTCUSDT", "-late", "+news", "-never") == {"trade_id": 1, "tags": ["breakout", "news"]}
    assert held.text("tag", "1", "-breakout", "-news") == "#1 tagged long BTCUSDT: no tags\n"
    assert held.text("tag", "1", "-overnight") == "#1 tagged long BTCUSDT: no tags\n"


def test_tags_that_change_nothing_write_nothing(held: TradingDesk) -> None:
    held.text("tag", "1", "+a")
    before = held.text("log")
    held.text("tag", "1", "+a", "-b")
    assert held.text("log") == before


def test_tags_that_cannot_be(held: TradingDesk) -> None:
    assert held.refusal("tag", "1", "late") == (2, "error: `late` has no sign\nhint: papertrade tag 1 +late\n")
    assert held.refusal("tag", "1", "+")[0] == 2
    assert held.refusal("tag", "1", *(f"+{n}" for n in range(33))) == (
        6,
        "error: trade `1` would have 33 tags, at most 32 are kept\n",
    )
    assert held.refusal("tag", "2", "+a")[0] == 5
