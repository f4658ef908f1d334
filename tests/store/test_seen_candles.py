"""The candles that ticks went through: kept, folded into hours, read back, and never made up."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.market import HOUR_MS, MINUTE_MS, Candle
from papertrade.errors import DatabaseUnusable
from papertrade.store.seen_candles import LOOKS_MAX, CandleHour
from papertrade.store.store import Store
from tests.store.stories import START_MS, ScriptedClock, doing, opened

VENUE = "binance"
FIRST = START_MS - START_MS % HOUR_MS


def minute(number: int, interval_ms: int = MINUTE_MS) -> Candle:
    """Return a candle that is like no other: its high tells its number."""
    price = Decimal("0.0000001")
    return Candle(
        open_ms=FIRST + number * interval_ms,
        interval_ms=interval_ms,
        open=price,
        high=1 + price * number,
        low=price / (number + 1),
        close=price,
    )


def keep(store: Store, *candles: Candle, symbol: str = "BTCUSDT") -> None:
    store.write(lambda writer: writer.keep_candles(VENUE, {symbol: candles}))


def hours(store: Store, symbol: str = "BTCUSDT", span: tuple[int, int] = (0, 2**60)) -> tuple[CandleHour, ...]:
    with store.read() as reader:
        return reader.candle_hours({(VENUE, symbol): span})[VENUE, symbol]


def count(store: Store, table: str) -> int:
    with store.read() as reader:
        return int(reader._connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one())


def test_what_was_kept_is_there_at_once(store: Store) -> None:
    candles = [minute(number) for number in (0, 1, 2, 60)]
    keep(store, *candles[:2])
    keep(store, *candles[2:])
    first, second = hours(store)
    assert first == CandleHour(
        hour_ms=FIRST,
        first_ms=FIRST,
        end_ms=FIRST + 3 * MINUTE_MS,
        seen_ms=3 * MINUTE_MS,
        low=candles[2].low,
        high=candles[2].high,
        candles=tuple(candles[:3]),
    )
    assert second.candles == (candles[3],)
    assert hours(store, "ETHUSDT") == ()
    assert hours(store, span=(FIRST + 3 * MINUTE_MS, FIRST + HOUR_MS)) == ()
    assert hours(store, span=(FIRST + 2 * MINUTE_MS, FIRST + HOUR_MS)) == (first,)


def test_nothing_seen_writes_nothing(store: Store) -> None:
    store.write(lambda writer: writer.keep_candles(VENUE, {}))
    store.write(lambda writer: writer.keep_candles(VENUE, {"BTCUSDT": ()}))
    assert count(store, "candle_look") == 0


def test_a_candle_seen_twice_counts_once(store: Store) -> None:
    keep(store, minute(0), minute(1))
    keep(store, minute(1), minute(2))
    (hour,) = hours(store)
    assert (hour.seen_ms, hour.candles) == (3 * MINUTE_MS, (minute(0), minute(1), minute(2)))


def test_hours_without_a_fill_let_go_of_their_candles(book: Store) -> None:
    """The stories fill trades of BTCUSDT in the first hour of all."""
    for number in range(LOOKS_MAX * 4 + 1):
        keep(book, minute(number))
        keep(book, minute(number), symbol="SOLUSDT")
    assert count(book, "candle_look") <= LOOKS_MAX
    filled, others = hours(book), hours(book, "SOLUSDT")
    assert len(filled[0].candles) == 60
    assert others[0].candles == ()
    assert [(h.hour_ms, h.seen_ms, h.low, h.high) for h in filled] == [
        (h.hour_ms, h.seen_ms, h.low, h.high) for h in others
    ]
    assert [h.seen_ms for h in filled[:4]] == [HOUR_MS] * 4


def test_some_candles_again_do_not_shrink_an_hour_that_is_known(store: Store) -> None:
    for number in range(200):
        keep(store, minute(number))
    before = hours(store)[0]
    assert before.candles == ()
    for _ in range(2):
        keep(store, minute(5), minute(6))
        (again, *_) = hours(store)
        assert (again.seen_ms, again.low, again.high) == (before.seen_ms, before.low, before.high)
        assert (again.first_ms, again.end_ms) == (before.first_ms, before.end_ms)
        assert again.candles == (minute(5), minute(6))


def test_what_was_folded_is_let_go_of(store: Store) -> None:
    for number in range(LOOKS_MAX):
        keep(store, minute(number))
    assert (count(store, "candle_look"), count(store, "candle_hour")) == (LOOKS_MAX, 0)
    keep(store, minute(LOOKS_MAX))
    assert (count(store, "candle_look"), count(store, "candle_hour")) == (1, 2)


def test_long_candles_are_kept_one_by_one(store: Store) -> None:
    long = [minute(number, 4 * HOUR_MS) for number in range(LOOKS_MAX + 2)]
    for candle in long:
        keep(store, candle)
    assert [hour.candles for hour in hours(store)] == [(candle,) for candle in long]


def test_a_long_absence_is_kept_in_pieces(store: Store) -> None:
    days = [minute(number) for number in range(3_000)]
    store.write(lambda writer: writer.keep_candles(VENUE, {"BTCUSDT": days, "ETHUSDT": days[:600]}))
    assert count(store, "candle_look") == 8
    assert sum(hour.seen_ms for hour in hours(store)) == 3_000 * MINUTE_MS
    assert sum(hour.seen_ms for hour in hours(store, "ETHUSDT")) == 600 * MINUTE_MS


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_folding_changes_no_extreme(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    store = opened(tmp_path_factory.mktemp("seen") / "x.db", ScriptedClock())
    numbers = data.draw(st.lists(st.integers(0, 400), unique=True, min_size=1, max_size=200))
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=200))
    rest = sorted(numbers)
    for size in [*sizes, len(rest)]:
        part, rest = rest[:size], rest[size:]
        keep(store, *(minute(number) for number in part))
    found = {hour.hour_ms: hour for hour in hours(store)}
    expected: dict[int, list[Candle]] = {}
    for candle in map(minute, numbers):
        expected.setdefault(candle.open_ms - candle.open_ms % HOUR_MS, []).append(candle)
    assert set(found) == set(expected)
    for hour_ms, candles in expected.items():
        hour = found[hour_ms]
        assert hour.seen_ms == len(candles) * MINUTE_MS
        assert (hour.low, hour.high) == (min(c.low for c in candles), max(c.high for c in candles))
    store.close()


@pytest.mark.parametrize("content", ["nonsense", '{"BTCUSDT": "1 2 x y z a"}', "[]", '{"BTCUSDT": "1 2"}'])
def test_a_look_that_cannot_be_read_is_an_unusable_database(store: Store, content: str) -> None:
    keep(store, minute(0))
    store.write(
        doing(lambda writer: writer._connection.exec_driver_sql("UPDATE candle_look SET content = ?", (content,)))
    )
    with pytest.raises(DatabaseUnusable, match="candle_look"):
        hours(store)


def test_marks_of_fills_are_in_order(book: Store) -> None:
    with book.read() as reader:
        fills = reader.fills()
        marks = reader.fill_marks([*(fill.trade_id for fill in fills), 999])
    assert 999 not in marks
    for trade_id, own in marks.items():
        assert [(m.is_exit, m.price, m.at_ms) for m in own] == [
            (f.leg == "exit", f.price, f.at_ms) for f in fills if f.trade_id == trade_id
        ]
