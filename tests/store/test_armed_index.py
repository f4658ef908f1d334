"""The live finder offers every trade that the rule would touch, and asks only its index."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from papertrade.engine.conventions import OBSERVED
from papertrade.engine.market import MINUTE_MS, Candle, Side
from papertrade.engine.signal import EntryType, ExitWish, Level, LevelKind, TargetWish, parse_target
from papertrade.engine.touch import touch
from papertrade.engine.trade import Terms
from papertrade.store import armed_index
from papertrade.store.market import LIVE_INSTRUMENTS
from papertrade.store.rows import Seen
from papertrade.store.store import Store, Writer
from tests.store.stories import (
    START_MS,
    a_candle,
    a_limit,
    a_signal,
    doing,
    entered,
    founded,
    opened,
    placed,
    shown,
    trailing,
)

LATER = START_MS + MINUTE_MS


def seen(low: str, high: str, symbol: str = "BTCUSDT", last_open_ms: int = LATER) -> Seen:
    return Seen(venue="binance", symbol=symbol, low=Decimal(low), high=Decimal(high), last_open_ms=last_open_ms)


def touched(store: Store, *what: Seen) -> tuple[int, ...]:
    with store.read() as reader:
        return tuple(reader.touched(what))


@pytest.mark.parametrize(
    ("low", "high", "last_open_ms", "expected"),
    [
        ("98.05", "104.06", LATER - 1, ()),
        ("98.04", "104.06", LATER - 1, (1,)),
        ("98.05", "104.07", LATER - 1, (1,)),
        ("98.05", "104.06", LATER, (2,)),
        ("97", "104.06", LATER - 1, (1, 2)),
        ("90", "110", LATER, (1, 2)),
    ],
)
def test_levels_are_inclusive(store: Store, low: str, high: str, last_open_ms: int, expected: tuple[int, ...]) -> None:
    def story(writer: Writer) -> None:
        founded(writer)
        entered(writer, a_signal())
        placed(writer, a_limit(price="97"), expires_at=LATER)
        entered(writer, a_signal("eth", symbol="ETHUSDT"))

    store.write(story)
    assert touched(store, seen(low, high, last_open_ms=last_open_ms)) == expected


def test_several_instruments_are_asked_at_once(book: Store) -> None:
    assert touched(book, seen("1", "1000"), seen("1", "1000", "ETHUSDT"), seen("1", "1000", "XRPUSDT")) == (3, 6, 7)
    assert touched(book) == ()


def test_what_is_found_comes_with_its_symbol(book: Store) -> None:
    with book.read() as reader:
        found = reader.touched([seen("1", "1000"), seen("1", "1000", "ETHUSDT")])
    assert found == {3: "ETHUSDT", 6: "BTCUSDT", 7: "BTCUSDT"}


@pytest.mark.parametrize(
    ("side", "low", "high", "last_open_ms", "expected"),
    [
        (Side.LONG, "99.5", "100.5", LATER, {1: True}),
        (Side.LONG, "99.5", "103.1", LATER, {1: True, 2: False}),
        (Side.LONG, "99", "100.5", LATER, {1: False}),
        (Side.LONG, "99", "100", LATER, {1: False}),
        (Side.SHORT, "99.5", "100.5", LATER, {1: True}),
        (Side.SHORT, "99.5", "101", LATER, {1: False}),
        (Side.LONG, "99.5", "99.9", LATER + 60 * MINUTE_MS, {3: False}),
    ],
)
def test_a_trade_whose_trail_may_be_all_that_moves_is_told_apart(
    store: Store, side: Side, low: str, high: str, last_open_ms: int, expected: dict[int, bool]
) -> None:
    """Entered at 100.05 or 99.95, trade 1 trails at 1 %, trade 2 has a target at 3 %; trade 3 waits for an hour."""

    def story(writer: Writer) -> None:
        founded(writer)
        entered(writer, a_signal("trails", side=side, exits=trailing("1%")))
        entered(writer, a_signal("target", side=side, exits=ExitWish(targets=(parse_target("3%"),))))
        placed(writer, a_limit(price="50", side=Side.LONG), expires_at=LATER + 60 * MINUTE_MS)

    store.write(story)
    with store.read() as reader:
        found = reader.reached([seen(low, high, last_open_ms=last_open_ms)])
    assert {number: trade.is_led for number, trade in found.items()} == expected


def test_symbols_with_trades_that_quotes_decide_are_found_by_an_index_of_their_own(store: Store) -> None:
    def story(writer: Writer) -> None:
        founded(writer)
        entered(writer, a_signal("candles"))
        entered(writer, a_signal("quotes", symbol="ETHUSDT"), terms=Terms(convention=OBSERVED))
        ended = entered(writer, a_signal("ended", symbol="SOLUSDT"), terms=Terms(convention=OBSERVED))
        shown(writer, ended, a_candle(LATER, "90", "101"))

    store.write(story)
    with store.read() as reader:
        assert reader.quoted_symbols("binance") == {"ETHUSDT"}
        assert reader.quoted_symbols("elsewhere") == frozenset()


def test_an_ended_trade_is_never_offered(book: Store) -> None:
    assert not {1, 2, 4, 5} & set(touched(book, seen("0.00000001", "99999999", last_open_ms=2**60)))


def test_more_instruments_than_one_statement_takes_are_asked_in_parts(
    book: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(armed_index, "_CHUNK", 2)
    asked = [seen("1", "1000", symbol) for symbol in ("AAA", "BTCUSDT", "CCC", "DDD", "ETHUSDT")]
    assert touched(book, *asked) == (3, 6, 7)


def test_each_probe_uses_its_own_index(book: Store) -> None:
    with book.read() as reader:
        plan = [
            str(row.detail)
            for row in reader._connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {armed_index.finder(200)}", (None,) * 1000
            )
        ]
        listing = [
            str(row.detail) for row in reader._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {LIVE_INSTRUMENTS}")
        ]
    probes = [step for step in plan if step.startswith("SEARCH t")]
    assert probes == [
        "SEARCH t USING INDEX live_below (venue=? AND symbol=? AND armed_below>?)",
        "SEARCH t USING INDEX live_above (venue=? AND symbol=? AND armed_above<?)",
        "SEARCH t USING INDEX live_at (venue=? AND symbol=? AND armed_at<?)",
    ]
    assert not [step for step in plan if step.startswith("SCAN t")]
    assert "SEARCH n USING INDEX live_below (venue=? AND symbol>?)" in listing


def test_a_missing_index_is_an_error_and_never_a_scan(book: Store) -> None:
    book.write(lambda w: w._connection.exec_driver_sql("DROP INDEX live_above"))
    with pytest.raises(Exception, match="no such index: live_above") as failed:
        touched(book, seen("1", "2"))
    assert not isinstance(failed.value, OperationalError)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stops=st.lists(st.decimals("0.00000001", "99.99", places=8), min_size=1, max_size=6, unique=True),
    targets=st.lists(st.decimals("100.01", "200", places=8), min_size=1, max_size=6, unique=True),
    waits=st.lists(st.decimals("0.00000001", "200", places=8), max_size=6, unique=True),
    low=st.decimals("0.00000001", "100", places=8),
    high=st.decimals("100", "200", places=8),
    side=st.sampled_from(Side),
    exactly=st.booleans(),
)
def test_the_finder_offers_every_trade_that_the_rule_touches(
    tmp_path_factory: pytest.TempPathFactory,
    stops: list[Decimal],
    targets: list[Decimal],
    waits: list[Decimal],
    low: Decimal,
    high: Decimal,
    side: Side,
    exactly: bool,
) -> None:
    low = stops[0] if exactly else low
    candle = Candle(open_ms=LATER, interval_ms=MINUTE_MS, open=Decimal(100), high=high, low=low, close=Decimal(100))
    path: Path = tmp_path_factory.mktemp("finder") / "book.db"

    def story(writer: Writer) -> None:
        founded(writer, cash="1000000")
        for number, (stop, target) in enumerate(zip(stops, targets, strict=False)):
            adverse, favourable = (stop, target) if side is Side.LONG else (target, stop)
            wish = ExitWish(Level(LevelKind.PRICE, adverse), (TargetWish(Level(LevelKind.PRICE, favourable)),))
            entered(writer, a_signal(f"open {number}", side=side, exits=wish), terms=Terms())
        for number, price in enumerate(waits):
            for kind in (EntryType.LIMIT, EntryType.STOP):
                placed(
                    writer,
                    a_signal(f"{kind} {number}", side=side, entry_type=kind, entry_price=price, exits=ExitWish()),
                )

    with closing(opened(path)) as store:
        store.write(story)
        what = Seen(venue="binance", symbol="BTCUSDT", low=candle.low, high=candle.high, last_open_ms=candle.open_ms)
        with store.read() as reader:
            offered = set(reader.touched([what]))
            reacting = {trade.id for trade in reader.live_trades() if touch(trade, candle)[1]}
    assert reacting <= offered


def test_a_hint_follows_every_change(store: Store) -> None:
    def story(writer: Writer) -> None:
        founded(writer)
        shown(writer, entered(writer, a_signal()), a_candle(LATER, "99", "104.07"))

    store.write(story)
    assert touched(store, seen("99", "108.08")) == ()
    assert touched(store, seen("99", "108.09")) == (1,)
    with store.read() as reader:
        assert reader.trades([1])[1].open_quantity == Decimal("0.25")


def test_a_waiting_trade_without_expiry_has_no_instant(store: Store) -> None:
    store.write(doing(founded, lambda w: placed(w, a_limit(price="50"))))
    assert touched(store, seen("51", "200", last_open_ms=2**60)) == ()
