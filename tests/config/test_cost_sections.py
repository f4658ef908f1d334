"""Costs of a venue and of a symbol: short forms, what is left out, bounds, and every flaw by its name."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.config.settings import OnThinBook, SlippageBy
from papertrade.engine.own_costs import OwnCosts
from papertrade.engine.trade import Funding
from tests.config.texts import of, refusal

HOUR = 3_600_000


def test_nothing_has_costs_of_its_own_unless_it_is_set() -> None:
    costs = of("costs:\n  maker: 0.1%\n").settings.costs
    assert (costs.venues, costs.symbols) == ((), ())
    assert (costs.slippage_by, costs.on_thin_book, costs.slippage_bps) == (
        SlippageBy.BPS,
        OnThinBook.PARTIAL,
        Decimal(0),
    )


def test_costs_of_a_venue_and_of_symbols() -> None:
    costs = of(
        "costs:\n"
        "  venues:\n"
        "    binance: {maker: 0.075%, taker: 0.00075}\n"
        "  symbols:\n"
        "    BTCUSDT: {maker: 0%, slippage_bps: 1.5}\n"
        "    eth/usdt: {funding: -0.01%, funding_every: 4h, borrow: 5%}\n"
        "    SOLUSDT: {funding: 0.02%}\n"
    ).settings.costs
    rate = Decimal("0.00075")
    assert costs.venues == (OwnCosts(name="binance", maker=rate, taker=rate),)
    assert costs.symbols == (
        OwnCosts(name="BTCUSDT", maker=Decimal(0), slippage_bps=Decimal("1.5")),
        OwnCosts(name="ETHUSDT", funding=Funding(Decimal("-0.0001"), 4 * HOUR), borrow=Decimal("0.05")),
        OwnCosts(name="SOLUSDT", funding=Funding(Decimal("0.0002"), 8 * HOUR)),
    )


@pytest.mark.parametrize("word", ["none", "bps", "book"])
def test_the_ways_to_slip(word: str) -> None:
    costs = of(f"costs:\n  slippage: {word}\n  slippage_bps: 5\n  on_thin_book: refuse\n").settings.costs
    assert (costs.slippage_by, costs.on_thin_book) == (SlippageBy(word), OnThinBook.REFUSE)


def test_without_slippage_no_basis_points_count_wherever_they_are_set() -> None:
    costs = of(
        "costs:\n"
        "  slippage: none\n"
        "  slippage_bps: 5\n"
        "  venues: {binance: {slippage_bps: 6, maker: 0%}}\n"
        "  symbols: {BTCUSDT: {slippage_bps: 7}}\n"
    ).settings.costs
    assert (costs.slippage_bps, costs.venues, costs.symbols) == (
        Decimal(0),
        (OwnCosts(name="binance", maker=Decimal(0)),),
        (),
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("slippage: books", "`costs.slippage` is `books`, expected one of `none`, `bps`, `book`"),
        ("slippage: 5", "`none`, `bps`, `book`"),
        ("on_thin_book: shrink", "`partial`, `refuse`"),
        ("venues: 5", "must be a section of costs by venue"),
        ("venues: [binance]", "must be a section of costs by venue"),
        ("venues: {Binance Spot: {maker: 0%}}", "names `Binance Spot`, which is no venue"),
        ("venues: {binance: 0.1%}", "`binance` must be a section with `maker`, `taker`"),
        ("venues: {binance: {makr: 0%}}", "`binance` has no setting `makr`, did you mean `maker`?"),
        ("venues: {binance: {maker: 11%}}", "`maker` of `binance` is `11%`, expected a rate from 0% to 10%"),
        ("symbols: {BTCUSDT: {taker: -0.1%}}", "`taker` of `BTCUSDT` is `-0.1%`, expected a rate from 0% to 10%"),
        (
            "symbols: {BTCUSDT: {slippage_bps: 1001}}",
            "`slippage_bps` of `BTCUSDT` is `1001`, expected a number from 0 to 1000",
        ),
        (
            "symbols: {BTCUSDT: {slippage_bps: NaN}}",
            "`slippage_bps` of `BTCUSDT` is `NaN`, expected a number from 0 to 1000",
        ),
        ("symbols: {BTCUSDT: {funding: 11%}}", "`funding` of `BTCUSDT` is `11%`, expected a rate from -10% to 10%"),
        (
            "symbols: {BTCUSDT: {funding: 0%, funding_every: 1s}}",
            "`funding_every` of `BTCUSDT` is `1s`, expected 3600 to 86400 seconds",
        ),
        ("symbols: {BTCUSDT: {maker: 0%}, BTC/USDT: {maker: 0%}}", "names symbol `BTCUSDT` twice"),
        ("symbols: {'???': {maker: 0%}}", "is not a symbol"),
    ],
)
def test_every_flaw_is_named(line: str, says: str) -> None:
    assert says in refusal(f"costs:\n  {line}\n")


def test_several_flaws_are_told_at_once() -> None:
    told = refusal(
        "costs:\n  slippage: wrong\n  symbols:\n    BTCUSDT: {maker: 11%, taker: x}\n    ETHUSDT: {borow: 1%}\n"
    )
    for word in ("costs.slippage", "`maker` of `BTCUSDT`", "`taker` of `BTCUSDT`", "did you mean `borrow`?"):
        assert word in told
