"""Costs of a venue and of a symbol: which one counts, and that nothing else of the terms changes."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.conventions import TRADINGVIEW
from papertrade.engine.instrument import Instrument
from papertrade.engine.own_costs import OwnCosts, with_own_costs, without_fees
from papertrade.engine.step import Rules
from papertrade.engine.trade import Funding, Terms

BTC = Instrument(venue="binance", symbol="BTCUSDT", base="BTC", quote="USDT")
NAMES = ("maker", "taker", "slippage_bps", "funding", "borrow")


def dec(text: str) -> Decimal:
    return Decimal(text)


VENUE = OwnCosts(name="binance", maker=dec("0.00075"), taker=dec("0.0008"), slippage_bps=dec("2"))
SYMBOL = OwnCosts(name="BTCUSDT", maker=dec("0"), borrow=dec("0.05"))
OTHERS = (OwnCosts(name="kraken", maker=dec("0.01")), OwnCosts(name="ETHUSDT", taker=dec("0.01")))

ROWS = [
    # venues, symbols, maker, taker, slippage, borrow
    ((), (), "0.001", "0.001", "0", None),
    (OTHERS, OTHERS, "0.001", "0.001", "0", None),
    ((VENUE,), (), "0.00075", "0.0008", "2", None),
    ((), (SYMBOL,), "0", "0.001", "0", "0.05"),
    ((*OTHERS, VENUE), (SYMBOL, *OTHERS), "0", "0.0008", "2", "0.05"),
]


@pytest.mark.parametrize(("venues", "symbols", "maker", "taker", "slippage", "borrow"), ROWS)
def test_a_symbol_beats_its_venue_which_beats_the_rest(
    venues: tuple[OwnCosts, ...],
    symbols: tuple[OwnCosts, ...],
    maker: str,
    taker: str,
    slippage: str,
    borrow: str | None,
) -> None:
    terms = Rules(venue_costs=venues, symbol_costs=symbols).terms(BTC)
    assert (terms.maker, terms.taker, terms.slippage_bps) == (dec(maker), dec(taker), dec(slippage))
    assert terms.borrow == (None if borrow is None else dec(borrow))


def test_a_symbol_is_not_taken_for_a_venue() -> None:
    named_like_it = OwnCosts(name="BTCUSDT", maker=dec("0.05"))
    assert Rules(venue_costs=(named_like_it,)).terms(BTC) == Rules().terms(BTC)


RATES = st.none() | st.decimals(min_value="0", max_value="0.1", places=6)
FUNDINGS = st.none() | st.builds(Funding, st.decimals("-0.1", "0.1", places=6), st.just(28_800_000))


def owns(name: str) -> st.SearchStrategy[OwnCosts]:
    return st.builds(
        OwnCosts,
        name=st.just(name),
        maker=RATES,
        taker=RATES,
        slippage_bps=RATES,
        funding=FUNDINGS,
        borrow=RATES,
    )


@given(owns("binance"), owns("BTCUSDT"))
def test_the_nearest_that_is_said_counts_and_nothing_else_changes(venue: OwnCosts, symbol: OwnCosts) -> None:
    general = Terms(
        leverage=dec("3"),
        price_step=dec("0.01"),
        quantity_step=dec("0.1"),
        quantity_min=dec("2"),
        notional_min=dec("5"),
        convention=TRADINGVIEW,
        maintenance=dec("0.005"),
    )
    terms = with_own_costs(general, BTC, (venue,), (symbol,))
    for name in NAMES:
        said = [getattr(each, name) for each in (symbol, venue) if getattr(each, name) is not None]
        assert getattr(terms, name) == next(iter(said), getattr(general, name))
    kept = {field.name: getattr(general, field.name) for field in fields(Terms) if field.name in NAMES}
    assert replace(terms, **kept) == general


@given(owns("BTCUSDT"), st.booleans(), st.booleans(), st.booleans())
def test_what_is_said_for_all_beats_every_own_cost(own: OwnCosts, maker: bool, taker: bool, slippage: bool) -> None:
    left = replace(
        own,
        maker=None if maker else own.maker,
        taker=None if taker else own.taker,
        slippage_bps=None if slippage else own.slippage_bps,
    )
    nothing = OwnCosts(name=own.name)
    assert without_fees([own], maker=maker, taker=taker, slippage=slippage) == tuple({left} - {nothing})


def test_rates_of_holding_are_left_out_where_they_are_said_for_all() -> None:
    own = OwnCosts(name="X", funding=Funding(dec("0.1"), 1), borrow=dec("0.2"))
    of = {"maker": False, "taker": False, "slippage": False}
    assert without_fees([own], **of, funding=True) == (OwnCosts(name="X", borrow=dec("0.2")),)
    assert without_fees([own], **of, funding=True, borrow=True) == ()
