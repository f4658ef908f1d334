"""Sizes: the four kinds, the defaults and their cap, limits of the instrument, short cash, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from papertrade.engine.fills import affordable, fee_of, filled_price, reserve_of
from papertrade.engine.instrument import Instrument
from papertrade.engine.market import Side
from papertrade.engine.messages import Liquidity, Refusal
from papertrade.engine.money import exact
from papertrade.engine.signal import Size, parse_size
from papertrade.engine.sized import CutBy
from papertrade.engine.sizing import Ask, Sized, SizingRules, size_up, tied_up
from papertrade.engine.trade import Terms

D = Decimal


BTC = Instrument(venue="x", symbol="BTCUSDT", base="BTC", quote="USDT")


def ask(
    stop: str | None = None,
    *,
    side: Side = Side.LONG,
    fee: str = "0",
    slip: str = "0",
    step: str = "0.01",
    instrument: Instrument = BTC,
) -> Ask:
    terms = Terms(maker=D(fee), taker=D(fee), slippage_bps=D(slip), quantity_step=D(step), price_step=D("0.01"))
    return Ask(
        side=side,
        price=D(100),
        stop=None if stop is None else D(stop),
        liquidity=Liquidity.TAKER,
        instrument=instrument,
        terms=terms,
    )


def sized(size: Size | None, wanted: Ask, cash: str = "10000", **rules: bool) -> Sized | Refusal:
    with exact():
        return size_up(size, wanted, D(10_000), D(cash), SizingRules(may_shrink=rules.get("may_shrink", False)))


def placed(size: Size | None, wanted: Ask, cash: str = "10000", **rules: bool) -> tuple[Decimal, list[CutBy]]:
    """Return the quantity, and what it was cut by."""
    outcome = sized(size, wanted, cash, **rules)
    assert isinstance(outcome, Sized)
    return outcome.quantity, [cut.by for cut in outcome.sizing.cuts]


@pytest.mark.parametrize(
    ("measure", "text", "stop", "quantity"),
    [
        ("size", "0.559", None, "0.55"),
        ("notional", "555", None, "5.55"),
        ("percent", "10", None, "10"),
        ("risk", "1%", "95", "20"),
        ("risk", "2%", "95", "40"),
        ("risk", "50", "95", "10"),
        ("risk", "50", "93", "7.14"),
    ],
)
def test_the_four_kinds_of_size(measure: str, text: str, stop: str | None, quantity: str) -> None:
    assert placed(parse_size(measure, text), ask(stop)) == (D(quantity), [])


def test_risk_counts_fees_and_slippage_of_both_ways() -> None:
    # stop 95 slips 10 bps to 94.905, rounded down to 94.90: a unit loses 5.10, and pays 0.1 + 0.0949 in fees.
    assert placed(parse_size("risk", "100"), ask("95", fee="0.001", slip="10", step="0.00001")) == (D("18.88609"), [])
    # a short's stop 105 slips up to 105.105, rounded to 105.11: a unit loses 5.11 + 0.1 + 0.10511.
    short = ask("105", side=Side.SHORT, fee="0.001", slip="10", step="0.00001")
    assert placed(parse_size("risk", "100"), short) == (D("18.81428"), [])


def test_the_default_is_one_percent_of_risk_or_ten_of_the_balance_capped_at_twenty() -> None:
    assert placed(None, ask()) == (D(10), [])
    assert placed(None, ask("90")) == (D(10), [])
    assert placed(None, ask("95")) == (D(20), [])
    assert placed(None, ask("98")) == (D(20), [CutBy.DEFAULT_CAP])
    assert placed(parse_size("risk", "1%"), ask("98")) == (D(50), [])


def test_risk_without_a_stop_is_refused() -> None:
    refusal = sized(parse_size("risk", "1%"), ask())
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.message) == ("no_stop", "a size by risk needs a stop loss")


@pytest.mark.parametrize(
    ("text", "instrument", "message", "hint"),
    [
        ("0.001", BTC, "`0` BTC is under the minimum of BTCUSDT, `0.01`", "use --size 0.01 or more (about 1 USDT)"),
        (
            "0.05",
            replace(BTC, quantity_min=D("0.1")),
            "`0.05` BTC is under the minimum of BTCUSDT, `0.1`",
            "use --size 0.1 or more (about 10 USDT)",
        ),
        (
            "0.05",
            replace(BTC, notional_min=D("10.5")),
            "`0.05` BTC is under the minimum of BTCUSDT, `0.11`",
            "use --size 0.11 or more (about 11 USDT)",
        ),
        (
            "5",
            replace(BTC, quantity_max=D("4.999")),
            "`5` BTC is over the maximum of BTCUSDT, `4.99`",
            "use --size 4.99 or less",
        ),
        (
            "5",
            replace(BTC, notional_max=D(450)),
            "`5` BTC is over the maximum of BTCUSDT, `4.5`",
            "use --size 4.5 or less",
        ),
    ],
)
def test_the_instruments_limits_refuse_with_what_would_be_enough(
    text: str, instrument: Instrument, message: str, hint: str
) -> None:
    refusal = sized(parse_size("size", text), ask(instrument=instrument))
    assert isinstance(refusal, Refusal)
    assert (refusal.message, refusal.hint) == (message, hint)
    assert refusal.code == {"un": "below_minimum", "ov": "above_maximum"}[message.split(" is ")[1][:2]]


def test_without_a_quantity_step_the_least_is_a_unit() -> None:
    refusal = sized(
        parse_size("size", "0.0000000001"), ask(step="0", instrument=replace(BTC, quantity_min=D("0.000000001")))
    )
    assert isinstance(refusal, Refusal)
    assert refusal.details["minimum"] == "0.00000001"


def test_the_limits_themselves_are_allowed() -> None:
    limits = ask(
        instrument=replace(BTC, quantity_min=D("0.1"), notional_min=D(10), quantity_max=D(5), notional_max=D(500))
    )
    assert placed(parse_size("size", "0.1"), limits) == (D("0.1"), [])
    assert placed(parse_size("size", "5"), limits) == (D(5), [])


def test_short_of_cash_is_refused_with_the_numbers() -> None:
    refusal = sized(parse_size("size", "5"), ask(fee="0.001"), cash="400")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "insufficient_funds"
    assert refusal.message == "short of cash: it needs `500.5` USDT, `400` is free, short by `100.5`"
    assert refusal.hint == "use --size 3.99 or less, deposit, or close a trade"
    assert refusal.details == {"need": "500.5", "have": "400", "shortfall": "100.5", "affordable": "3.99"}


@pytest.mark.parametrize("cash", ["0", "0.5", "-3"])
def test_with_no_cash_at_all_only_a_deposit_helps(cash: str) -> None:
    refusal = sized(parse_size("size", "5"), ask(), cash=cash, may_shrink=True)
    assert isinstance(refusal, Refusal)
    assert refusal.hint == "deposit, or close a trade to free its reserve"
    assert refusal.details["affordable"] == "0"


def test_shrinking_takes_what_the_cash_pays_for() -> None:
    assert placed(parse_size("size", "5"), ask(fee="0.001"), "400", may_shrink=True) == (D("3.99"), [CutBy.CASH])
    assert placed(parse_size("size", "3"), ask(fee="0.001"), "400", may_shrink=True) == (D(3), [])


def test_what_shrinks_under_the_minimum_is_refused() -> None:
    refusal = sized(parse_size("size", "5"), ask(instrument=replace(BTC, quantity_min=D(4))), "399", may_shrink=True)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "below_minimum"


@pytest.mark.parametrize(
    ("available", "step", "quantity"),
    [
        ("400.4", "0.01", "4"),
        ("400.39999999", "0.01", "3.99"),
        ("0", "0.01", "0"),
        ("100.1", "0", "1"),
        ("0.00000001", "0", "0"),
    ],
)
def test_affordable_is_the_most_that_pays(available: str, step: str, quantity: str) -> None:
    terms = Terms(taker=D("0.001"), quantity_step=D(step))
    with exact():
        most = affordable(D(100), D("0.001"), D(available), terms)
        assert abs(most - D(quantity)) <= D("0.0000000003")
        assert reserve_of(D(100), most, terms) + fee_of(D(100), most, D("0.001")) <= D(available)
        assert tied_up(D(100), D(1), terms) == D("100.1")


def test_a_reserve_that_rounds_down_may_pay_for_one_step_more() -> None:
    with exact():
        assert affordable(D("100.000000004"), D(0), D(100), Terms(quantity_step=D(1))) == 1


def test_a_sale_never_fills_at_nothing() -> None:
    terms = Terms(price_step=D("0.01"), slippage_bps=D(10))
    with exact():
        assert filled_price(D("0.01"), False, Liquidity.TAKER, terms) == D("0.01")
        assert filled_price(D("0.01"), True, Liquidity.TAKER, terms) == D("0.02")
        assert filled_price(D("0.01"), True, Liquidity.MAKER, terms) == D("0.01")
