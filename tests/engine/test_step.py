"""Opening trades and moving cash: entered, waiting or refused, with the spec's worked numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine.account import AccountBook, postings, withdraw
from papertrade.engine.armed import Armed, armed, reach
from papertrade.engine.changes import close_trade
from papertrade.engine.conventions import Convention, EntryAt
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Quote, Side
from papertrade.engine.messages import CashMoved, EntryFilled, Refusal, TradePlaced
from papertrade.engine.signal import EntryType, ExitWish, Signal, parse_level, parse_size, parse_target
from papertrade.engine.state import evolve
from papertrade.engine.step import Opening, Rules, open_trade
from papertrade.engine.touch import touch
from papertrade.engine.trade import Flag, Status, Trade
from tests.engine.tables import candles_of

D = Decimal
ACCOUNT = AccountBook(account_id=1, name="main", currency="USDT", cash=D(10_000), capital=D(10_000))
INSTRUMENT = Instrument(
    venue="x", symbol="BTCUSDT", base="BTC", quote="USDT", price_step=D("0.01"), quantity_step=D("0.01")
)
SIGNAL = Signal(
    source="tv",
    external_id="7",
    symbol="BTCUSDT",
    side=Side.LONG,
    made_at_ms=0,
    exits=ExitWish(parse_level("95"), (parse_target("110:0.5"), parse_target("120:0.5"))),
    size=parse_size("size", "0.5"),
)


def waiting(kind: EntryType, price: str, side: Side = Side.LONG) -> Signal:
    return replace(SIGNAL, entry_type=kind, entry_price=D(price), side=side, exits=ExitWish())


def opening(signal: Signal = SIGNAL, price: str | None = "100", at_ms: int = 30_000) -> Opening:
    return Opening(
        trade_id=3,
        signal_id=4,
        signal=signal,
        account=ACCOUNT,
        instrument=INSTRUMENT,
        at_ms=at_ms,
        quote=None if price is None else Quote(at_ms=at_ms, last=D(price)),
    )


def refusal_of(request: Opening, rules: Rules | None = None) -> Refusal:
    refusal = open_trade(request, Rules() if rules is None else rules)
    assert isinstance(refusal, Refusal)
    return refusal


def trade_of(request: Opening, rules: Rules | None = None) -> Trade:
    event = open_trade(request, Rules() if rules is None else rules)
    assert not isinstance(event, Refusal)
    return evolve(None, event)


def test_the_documents_example_nets_4_895() -> None:
    # long 0.5 at 100, fee 0.1 %, target 110: fees 0.05 + 0.055, net 5 − 0.105 = 4.895.
    signal = replace(SIGNAL, exits=ExitWish(None, (parse_target("110"),)))
    trade = trade_of(opening(signal, at_ms=0))
    trade, events = touch(trade, candles_of("100 111 99 105")[0])
    assert (trade.status, trade.realized, trade.fees, trade.gross) == (Status.CLOSED, D("4.895"), D("0.105"), D(5))
    assert [(str(line.book), line.amount) for line in postings(events[0])] == [
        ("cash", D("54.945")),
        ("reserved", D(-50)),
        ("realized_pnl", D(-5)),
        ("fees", D("0.055")),
    ]


def test_armed_prices_of_the_documents_table() -> None:
    long = trade_of(opening(at_ms=0))
    after, _ = touch(long, candles_of("100 111 99 105")[0])
    short_signal = replace(SIGNAL, side=Side.SHORT, exits=ExitWish(parse_level("105"), (parse_target("90"),)))
    short = trade_of(opening(short_signal))
    limit = trade_of(opening(replace(waiting(EntryType.LIMIT, "98"), expires_at_ms=90_000)))
    stop = trade_of(opening(waiting(EntryType.STOP, "102")))
    assert reach(long) == Armed(D(95), D(110))
    assert reach(after) == Armed(D(95), D(120))
    assert reach(short) == Armed(D(90), D(105))
    assert reach(limit) == Armed(D(98), None, 90_000)
    assert reach(stop) == Armed(None, D(102))


def test_a_trade_that_ended_is_armed_by_nothing() -> None:
    trade = trade_of(opening(at_ms=0))
    events = close_trade(trade, D(1), D(100), None, 1)
    assert not isinstance(events, Refusal)
    ended = evolve(trade, events[0])
    assert armed(ended, ended.ruling) == Armed()


def test_a_market_entry_pays_the_ask_with_slippage_and_ties_its_reserve() -> None:
    quote = Quote(at_ms=30_000, last=D(100), bid=D("99.9"), ask=D("100.1"))
    event = open_trade(replace(opening(), quote=quote), Rules(slippage_bps=D(10), leverage=D(5)))
    assert isinstance(event, EntryFilled)
    # 100.1 · 1.001 = 100.2001, up to 100.21; reserve 0.5 · 100.21 / 5 = 10.021; fee 0.050105
    assert (event.price, event.reserve, event.fee, event.slippage) == (
        D("100.21"),
        D("10.021"),
        D("0.050105"),
        D("0.055"),
    )
    assert [(str(line.book), line.amount) for line in postings(event)] == [
        ("cash", D("-10.071105")),
        ("reserved", D("10.021")),
        ("fees", D("0.050105")),
    ]
    short = open_trade(replace(opening(waiting_free(Side.SHORT)), quote=quote), Rules(slippage_bps=D(10)))
    assert isinstance(short, EntryFilled)
    assert short.price == D("99.8")


def waiting_free(side: Side) -> Signal:
    return replace(SIGNAL, side=side, exits=ExitWish())


def test_a_limit_waits_with_reserve_and_taker_fee_tied_up() -> None:
    event = open_trade(opening(waiting(EntryType.LIMIT, "98")), Rules(maker=D(0)))
    assert isinstance(event, TradePlaced)
    assert (event.reserve, event.fee) == (D(49), D("0.049"))
    assert (event.order.placed_at, event.order.whole_from) == (30_000, 60_000)
    assert [(str(line.book), line.amount) for line in postings(event)] == [
        ("cash", D("-49.049")),
        ("reserved", D("49.049")),
    ]
    trade, events = touch(evolve(None, event), candles_of("100 101 99 100 | 100 100 97 98")[1])
    assert [(str(line.book), line.amount) for line in postings(events[0])] == [
        ("cash", D("0.049")),
        ("reserved", D("-0.049")),
    ]
    assert (trade.reserve, trade.entry_fee) == (D(49), D(0))


@pytest.mark.parametrize(("kind", "price"), [(EntryType.LIMIT, "98"), (EntryType.LIMIT, "97.5")])
def test_a_limit_that_the_price_has_passed_fills_at_once_as_taker(kind: EntryType, price: str) -> None:
    event = open_trade(opening(waiting(kind, "98"), price), Rules(maker=D(0)))
    assert isinstance(event, EntryFilled)
    assert (event.price, str(event.liquidity), event.fee_rate) == (D(price), "taker", D("0.001"))


def test_without_a_quote_an_entry_waits_whatever_the_price_but_a_market_entry_cannot() -> None:
    assert isinstance(open_trade(opening(waiting(EntryType.LIMIT, "98"), None), Rules()), TradePlaced)
    with pytest.raises(ValueError, match="a market entry cannot wait"):
        open_trade(opening(SIGNAL, None), Rules())


@pytest.mark.parametrize(("side", "price"), [(Side.LONG, "102"), (Side.LONG, "103"), (Side.SHORT, "102")])
def test_a_stop_entry_that_is_passed_is_refused(side: Side, price: str) -> None:
    refusal = refusal_of(opening(waiting(EntryType.STOP, "102", side), price))
    assert refusal.code == "entry_passed"
    assert refusal.message == f"stop entry `102` is already passed: the price is `{price}`"
    assert refusal.details == {"entry": "102", "price": price}


@pytest.mark.parametrize(
    ("side", "kind", "asked", "waits"),
    [
        (Side.LONG, EntryType.LIMIT, "98.005", "98"),
        (Side.SHORT, EntryType.LIMIT, "102.005", "102.01"),
        (Side.LONG, EntryType.STOP, "102.005", "102.01"),
        (Side.SHORT, EntryType.STOP, "98.005", "98"),
    ],
)
def test_an_entry_off_the_step_waits_at_the_harder_price(side: Side, kind: EntryType, asked: str, waits: str) -> None:
    event = open_trade(opening(waiting(kind, asked, side)), Rules())
    assert isinstance(event, TradePlaced)
    assert event.order.waiting_price == D(waits)


def test_an_entry_under_the_step_is_refused() -> None:
    refusal = refusal_of(opening(waiting(EntryType.LIMIT, "0.005")))
    assert (refusal.code, refusal.message) == (
        "invalid_level",
        "entry `0.005` is under the price step of BTCUSDT, `0.01`",
    )


def test_a_second_trade_for_a_signal_is_refused_with_the_first() -> None:
    refusal = refusal_of(replace(opening(), live=trade_of(opening())))
    assert refusal.code == "duplicate_trade"
    assert refusal.message == "signal `tv:7` already has trade `3`: open from `100`"
    assert refusal.hint == "papertrade show 3"
    assert refusal.details == {"trade_id": 3, "status": "open", "entry_price": "100"}
    pending = refusal_of(replace(opening(), live=trade_of(opening(waiting(EntryType.LIMIT, "98")))))
    assert pending.message == "signal `tv:7` already has trade `3`: pending from `98`"


def test_another_currency_is_refused_unless_it_counts_as_the_same() -> None:
    euros = replace(opening(), account=replace(ACCOUNT, currency="EUR"))
    refusal = refusal_of(euros)
    assert refusal.code == "currency_mismatch"
    assert refusal.message == "BTCUSDT is priced in USDT, account `main` is in EUR"
    same = Rules(same_currency=(frozenset({"USD", "USDC"}), frozenset({"USDT", "EUR"})))
    assert isinstance(open_trade(euros, same), EntryFilled)


def test_expired_signals_and_halted_instruments_are_refused() -> None:
    expired = refusal_of(opening(replace(SIGNAL, expires_at_ms=30_000)))
    assert (expired.code, expired.message) == ("signal_expired", "signal `tv:7` has expired")
    halted = refusal_of(replace(opening(), instrument=replace(INSTRUMENT, is_trading=False)))
    assert (halted.code, halted.message) == ("not_trading", "x does not trade BTCUSDT now")


def test_levels_on_the_wrong_side_are_refused_at_the_price_of_the_fill() -> None:
    assert refusal_of(opening(price="94")).message == "stop `95` is above entry `94` for a long trade"
    passed = replace(waiting(EntryType.LIMIT, "98"), exits=ExitWish(parse_level("95")))
    assert refusal_of(opening(passed, "94")).message == "stop `95` is above entry `94` for a long trade"


def test_sizes_beat_each_other_in_order_and_short_cash_names_the_reserve() -> None:
    by_flag = open_trade(replace(opening(), size=parse_size("size", "0.7")), Rules())
    assert isinstance(by_flag, EntryFilled)
    assert by_flag.quantity == D("0.7")
    refusal = refusal_of(replace(opening(), account=replace(ACCOUNT, cash=D(10), reserved=D(9990))))
    assert refusal.details == {
        "need": "50.05",
        "have": "10",
        "shortfall": "40.05",
        "affordable": "0.09",
        "reserved": "9990",
    }


def test_no_stop_and_unsized_signals_get_the_default_and_its_flag() -> None:
    event = open_trade(opening(replace(SIGNAL, size=None, exits=ExitWish(parse_level("99")))), Rules())
    assert isinstance(event, EntryFilled)
    assert event.order is not None
    assert (event.quantity, event.order.flags) == (D(20), (Flag.SIZE_CAPPED,))
    shrunk = replace(opening(), account=replace(ACCOUNT, cash=D(10)))
    rules = Rules(sizing=replace(Rules().sizing, may_shrink=True))
    assert trade_of(shrunk, rules).flags == (Flag.SHRUNK,)


@pytest.mark.parametrize(
    ("entry", "price", "rule"),
    [("next-open", "101", "4.4 market entry at the open"), ("close", "99", "4.4 market entry at the close")],
)
def test_a_backtests_market_entry_fills_at_its_candle(entry: str, price: str, rule: str) -> None:
    (candle,) = candles_of("101 102 98 99")
    request = replace(opening(price=None, at_ms=0), candle=candle)
    event = open_trade(request, Rules(convention=Convention(entry=EntryAt(entry))))
    assert isinstance(event, EntryFilled)
    assert (event.price, event.cause.rule, event.cause.candle) == (D(price), rule, candle)


def test_cash_can_be_withdrawn_only_where_it_is_free() -> None:
    account = replace(ACCOUNT, cash=D(40), reserved=D(60))
    assert withdraw(account, D(40), "rent") == CashMoved(account_id=1, amount=D(-40), note="rent")
    refusal = withdraw(account, D(41), "")
    assert isinstance(refusal, Refusal)
    assert refusal.message == "cannot withdraw `41` USDT: `40` is free"
    assert refusal.details == {"need": "41", "have": "40", "reserved": "60"}
