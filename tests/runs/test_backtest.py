"""A backtest's account: what is placed when, at which price, what is refused, and in which order cash moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine.account import postings
from papertrade.engine.conventions import Convention, EntryAt
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import HOUR_MS, Side
from papertrade.engine.messages import CashMoved, EntryFilled, ExitFilled, TradePlaced
from papertrade.engine.money import plain
from papertrade.engine.signal import (
    EntryType,
    ExitWish,
    Signal,
    Size,
    SizeKind,
    TargetWish,
    parse_level,
)
from papertrade.engine.state import evolve
from papertrade.engine.step import Rules
from papertrade.engine.trade import Status, Trade
from papertrade.errors import Refused
from papertrade.feeds.candle_series import series_of
from papertrade.reports.equity import History, equity_curve, holding_step, money_step
from papertrade.reports.marks import Closes, StoredCloses
from papertrade.runs.backtest import SIGNALS_MAX, BacktestRequest, BacktestResult, backtest
from papertrade.runs.backtest_report import equity_of, report_of
from tests.engine.deals import MINUTE, candle_of
from tests.engine.tables import candles_of, tape_of, told

FREE = Rules(maker=Decimal(0), taker=Decimal(0))


def idea(
    number: int,
    at_ms: int,
    *,
    symbol: str = "BTCUSDT",
    side: Side = Side.LONG,
    quantity: str = "1",
    stop: str | None = None,
    target: str | None = None,
    limit: str | None = None,
    expires_ms: int | None = None,
) -> Signal:
    return Signal(
        source="scan",
        external_id=str(number),
        symbol=symbol,
        side=side,
        made_at_ms=at_ms,
        entry_type=EntryType.MARKET if limit is None else EntryType.LIMIT,
        entry_price=None if limit is None else Decimal(limit),
        exits=ExitWish(
            None if stop is None else parse_level(stop),
            () if target is None else (TargetWish(parse_level(target)),),
        ),
        size=Size(SizeKind.QUANTITY, Decimal(quantity)),
        expires_at_ms=expires_ms,
    )


BASE = BacktestRequest(signals=(), candles={}, rules=FREE, cash=Decimal(1000))


def run(signals: Sequence[Signal], tapes: Mapping[str, str], base: BacktestRequest = BASE) -> BacktestResult:
    candles = {symbol: series_of(symbol, MINUTE, candles_of(tape)) for symbol, tape in tapes.items()}
    return backtest(replace(base, signals=signals, candles=candles))


def story(result: BacktestResult) -> list[str]:
    """Tell every event with the trade's number and the free cash after it."""
    return [
        f"#{booked.event.trade_id} {told([booked.event])} free {plain(booked.book.cash)}"
        for booked in result.booked
        if not isinstance(booked.event, TradePlaced)
    ]


FLAT = "100 101 99 100 | 100 102 98 101 | 101 106 100 105 | 105 107 104 106"


def test_a_market_signal_is_entered_at_the_first_open_at_or_after_it_and_lives_through_that_candle() -> None:
    at_the_open = run([idea(1, MINUTE, stop="99", target="105")], {"BTCUSDT": FLAT})
    assert story(at_the_open) == ["#1 entry 1 at 100 open1 free 900", "#1 stop_loss 1 at 99 end1 free 999"]
    just_after = run([idea(1, MINUTE + 1, stop="99", target="105")], {"BTCUSDT": FLAT})
    assert story(just_after) == ["#1 entry 1 at 101 open2 free 899", "#1 take_profit 1 at 105 end2 free 1004"]


def test_a_hole_is_waited_out() -> None:
    result = run([idea(1, MINUTE, target="120")], {"BTCUSDT": "100 101 99 100 | - | - | 110 125 109 120"})
    assert story(result) == ["#1 entry 1 at 110 open3 free 890", "#1 take_profit 1 at 120 end3 free 1010"]


def test_candles_may_open_anywhere_not_only_on_the_grid_of_their_interval() -> None:
    late = [replace(bar, open_ms=bar.open_ms + 17_000) for bar in tape_of("100 101 99 100 | 100 120 99 110")]
    series = series_of("BTCUSDT", MINUTE, [candle_of(bar) for bar in late])
    result = backtest(replace(BASE, signals=[idea(1, 60_000, target="115")], candles={"BTCUSDT": series}))
    (trade,) = result.trades
    assert (trade.opened_at, trade.exit_price, trade.closed_at) == (77_000, Decimal(115), 136_999)


def test_entry_at_the_close_of_the_candle_that_the_signal_was_made_in() -> None:
    rules = replace(FREE, convention=Convention(entry=EntryAt.CLOSE))
    ends_with = run([idea(1, 2 * MINUTE, target="105")], {"BTCUSDT": FLAT}, replace(BASE, rules=rules))
    assert story(ends_with) == ["#1 entry 1 at 101 end1 free 899", "#1 take_profit 1 at 105 end2 free 1004"]
    inside = run([idea(1, MINUTE + 1, target="105")], {"BTCUSDT": FLAT}, replace(BASE, rules=rules))
    assert story(inside) == story(ends_with)


def test_a_limit_is_placed_at_an_open_and_ties_up_its_cash_until_then() -> None:
    tape = "100 101 99 100 | 100 101 99 100 | 100 100 97 99"
    result = run([idea(1, 0, limit="98", stop="90"), idea(2, MINUTE, quantity="9.5")], {"BTCUSDT": tape})
    assert [trade.status for trade in result.trades] == [Status.OPEN]
    assert story(result)[-1] == "#1 entry 1 at 98 end2 free 902"
    (refused,) = result.refused
    assert (refused.signal.external_id, refused.refusal.code, refused.at_ms) == ("2", "insufficient_funds", MINUTE)
    assert refused.refusal.details["have"] == "902"


def test_an_expired_limit_gives_its_cash_back_at_the_open() -> None:
    tape = "100 101 99 100 | 100 101 99 100 | 100 101 99 100"
    signals = [idea(1, 0, limit="50", quantity="20", expires_ms=MINUTE + 1), idea(2, 2 * MINUTE, quantity="10")]
    assert story(run(signals, {"BTCUSDT": tape})) == ["#1 expired open2 free 1000", "#2 entry 10 at 100 open2 free 0"]


def test_what_ends_at_an_open_frees_cash_for_what_begins_there() -> None:
    tape = "100 101 99 100 | 80 81 79 80"
    signals = [idea(1, 0, quantity="10", stop="95"), idea(2, MINUTE, quantity="10")]
    assert story(run(signals, {"BTCUSDT": tape})) == [
        "#1 entry 10 at 100 open0 free 0",
        "#1 stop_loss 10 at 80 open1 free 800",
        "#2 entry 10 at 80 open1 free 0",
    ]


def test_what_ends_inside_a_candle_frees_no_cash_for_what_begins_at_its_open() -> None:
    tape = "100 101 99 100 | 100 120 99 110 | 110 111 109 110"
    signals = [idea(n, (n - 1) * MINUTE, quantity="10", target="115") for n in (1, 2, 3)]
    result = run(signals, {"BTCUSDT": tape})
    assert [refused.signal.external_id for refused in result.refused] == ["2"]
    assert [trade.order.signal_key for trade in result.trades] == ["scan:1", "scan:3"]


def test_symbols_are_merged_by_time_on_one_account() -> None:
    tapes = {"BTCUSDT": "100 101 99 100 | 100 120 99 110", "ETHUSDT": "- | 10 10 9 9 | 9 9 8 8"}
    signals = [
        idea(1, MINUTE, symbol="ETHUSDT", quantity="50"),
        idea(2, 0, quantity="6", target="115"),
        idea(3, 2 * MINUTE, symbol="ETHUSDT", quantity="60"),
    ]
    result = run(signals, tapes)
    assert story(result) == [
        "#1 entry 6 at 100 open0 free 400",
        "#1 take_profit 6 at 115 end1 free 1090",
        "#2 entry 60 at 9 open2 free 550",
    ]
    assert [refused.signal.external_id for refused in result.refused] == ["1"]


def test_signals_of_one_instant_are_numbered_in_their_order() -> None:
    result = run([idea(n, 30_000, quantity="4") for n in (3, 1, 2)], {"BTCUSDT": FLAT})
    assert [trade.order.signal_key for trade in result.trades] == ["scan:3", "scan:1"]
    assert [refused.signal.key for refused in result.refused] == ["scan:2"]


@pytest.mark.parametrize(
    ("signal", "code", "message"),
    [
        (idea(1, 0, symbol="ETHUSDT"), "no_candles", "there are no candles of ETHUSDT"),
        (
            idea(1, 4 * MINUTE),
            "no_candle_then",
            "the candles of BTCUSDT end before `1970-01-01T00:04:00.000Z`",
        ),
        (
            idea(1, 0, stop="100"),
            "wrong_side",
            "stop `100` is at entry `100` for a long trade",
        ),
        (idea(1, 0, limit="90", expires_ms=0), "signal_expired", "signal `scan:1` has expired"),
    ],
)
def test_what_cannot_be_traded_is_refused_with_its_reason(signal: Signal, code: str, message: str) -> None:
    (refused,) = run([signal], {"BTCUSDT": FLAT}).refused
    assert (refused.refusal.code, refused.refusal.message) == (code, message)


def test_a_signal_from_before_the_candles_is_not_entered_at_the_first_of_them() -> None:
    tape = f"{'- | ' * 5}100 101 99 100 | 100 101 99 100"
    late = run([idea(1, 4 * MINUTE), idea(2, 4 * MINUTE + 1)], {"BTCUSDT": tape})
    assert [trade.order.signal_key for trade in late.trades] == ["scan:2"]
    assert late.refused[0].refusal.message == "the candles of BTCUSDT begin after `1970-01-01T00:04:00.000Z`"


def test_a_signal_with_a_live_trade_gets_no_second_one() -> None:
    result = run([idea(1, 0, target="105"), idea(1, MINUTE), idea(1, 3 * MINUTE)], {"BTCUSDT": FLAT})
    assert [trade.order.placed_at for trade in result.trades] == [0, 3 * MINUTE]
    assert result.refused[0].refusal.code == "duplicate_trade"
    assert result.refused[0].refusal.details == {"trade_id": 1, "status": "open", "entry_price": "100"}


def test_no_more_trades_than_allowed_are_live_at_once() -> None:
    signals = [idea(n, n * MINUTE, target="4%") for n in range(4)]
    result = run(signals, {"BTCUSDT": FLAT}, replace(BASE, max_open=2))
    assert [trade.order.placed_at for trade in result.trades] == [0, MINUTE, 3 * MINUTE]
    assert result.refused[0].refusal.message == "`2` trades are live, no more than `2` may be"


def test_only_the_span_asked_for_counts() -> None:
    signals = [idea(n, n * MINUTE, quantity="1") for n in range(4)]
    result = run(signals, {"BTCUSDT": FLAT}, replace(BASE, from_ms=MINUTE, to_ms=3 * MINUTE))
    assert [trade.order.placed_at for trade in result.trades] == [MINUTE, 2 * MINUTE]
    assert (result.left_out, result.begins_ms, result.ends_ms) == (2, MINUTE, 3 * MINUTE)
    assert curve_of(result)[-1] == (3 * MINUTE, "1009", 0)


def test_what_is_open_at_the_end_stays_open_marked_at_the_last_close() -> None:
    result = run([idea(1, 0), idea(2, 3 * MINUTE, side=Side.SHORT)], {"BTCUSDT": FLAT})
    report = report_of(result, equity_of(result))
    assert (report.open_trades, report.trading_statistics.total_trades) == (2, 0)
    *_, last = equity_of(result).points()
    assert (plain(last.unrealized), plain(last.equity), last.at_ms) == ("5", "1005", 4 * MINUTE)


def test_nothing_to_do() -> None:
    empty = backtest(BacktestRequest(signals=[], candles={}))
    assert (empty.trades, empty.refused, empty.begins_ms, empty.ends_ms) == ((), (), 0, 0)
    assert report_of(empty, equity_of(empty)).trading_statistics.total_trades == 0


def test_more_signals_than_memory_holds_are_refused() -> None:
    with pytest.raises(Refused) as refusal:
        backtest(replace(BASE, signals=[idea(1, 0)] * (SIGNALS_MAX + 1)))
    assert refusal.value.error_code == "too_many_signals"


def test_progress_is_told_from_nothing_to_all() -> None:
    told_of: list[tuple[int, int]] = []
    base = replace(BASE, progress=lambda done, total: told_of.append((done, total)))
    run([idea(n, 0, quantity="0.001") for n in range(600)], {"BTCUSDT": FLAT}, base)
    assert told_of == [(0, 600), (256, 600), (512, 600), (600, 600)]


def test_known_instruments_round_and_refuse() -> None:
    known = Instrument(
        venue="binance",
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        price_step=Decimal("0.5"),
        quantity_step=Decimal("0.1"),
        notional_min=Decimal(50),
    )
    signals = [idea(1, 0, quantity="1.19", target="104.9"), idea(2, 0, quantity="0.49")]
    result = run(signals, {"BTCUSDT": FLAT}, replace(BASE, instruments={"BTCUSDT": known}))
    assert story(result) == ["#1 entry 1.1 at 100 open0 free 890", "#1 take_profit 1.1 at 104.5 end2 free 1004.95"]
    assert result.refused[0].refusal.code == "below_minimum"
    assert result.trades[0].order.venue == "binance"


def curve_of(result: BacktestResult) -> list[tuple[int, str, int]]:
    return [(point.at_ms, plain(point.equity), point.unpriced) for point in equity_of(result).points()]


def test_the_equity_columns_are_the_points_of_the_live_curve() -> None:
    hours = " | ".join(f"{100 + n % 7} {109 + n % 3} {95 - n % 5} {101 + n % 6}" for n in range(200))
    tapes = {"BTCUSDT": hours, "ETHUSDT": hours}
    signals = [
        idea(
            n,
            n * MINUTE * 3 + n % 2,
            symbol=("BTCUSDT", "ETHUSDT")[n % 2],
            side=(Side.LONG, Side.SHORT)[n % 3 == 0],
            quantity=f"0.0{n % 9 + 1}000003",
            target="3.00000007%" if n % 4 else None,
            stop="2.1%" if n % 3 else None,
        )
        for n in range(60)
    ]
    result = run(signals, tapes, replace(BASE, rules=Rules(slippage_bps=Decimal(3))))
    trades = {trade.id: trade for trade in result.trades}
    steps = []
    money = [money_step(0, postings(CashMoved(account_id=1, amount=Decimal(1000))))]
    states: dict[int, Trade] = {}
    for booked in result.booked:
        event = booked.event
        states[event.trade_id] = evolve(states.get(event.trade_id), event)
        money.append(money_step(booked.at_ms, postings(event)))
        if isinstance(event, EntryFilled | ExitFilled):
            steps.append(holding_step(booked.at_ms, states[event.trade_id]))
    assert states == trades
    closes = {
        ("backtest", symbol): Closes([c.last_ms for c in series], [c.close for c in series])
        for symbol, series in result.series.items()
    }
    expected = equity_curve(History(money, steps), StoredCloses(closes), result.ends_ms)
    found = list(equity_of(result).points())
    assert found[:-1] == list(expected)[: len(found) - 1]
    assert found[-1].at_ms == result.ends_ms == 200 * MINUTE
    assert sum(point.at_ms % HOUR_MS == 0 for point in found) == 4
