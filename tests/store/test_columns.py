"""Values survive the database exactly, and what cannot is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import column, create_engine, literal, select

from papertrade.errors import Refused
from papertrade.store.columns import (
    DecimalText,
    MoneyUnits,
    hint_at_least,
    hint_at_most,
    optional_decimal,
    optional_plain,
    optional_units,
    units,
)

PRICES = st.decimals(min_value="0.000000000000000001", max_value="99999999999999999999", places=18, allow_nan=False)
AMOUNTS = st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1).map(lambda u: Decimal(u).scaleb(-8))


@given(PRICES)
def test_a_hint_never_hides_a_touch(price: Decimal) -> None:
    assert Decimal(hint_at_most(price)) < price < Decimal(hint_at_least(price))


@given(PRICES, PRICES)
def test_a_level_reached_exactly_is_reached_by_its_hints(level: Decimal, low: Decimal) -> None:
    assert (level < low) or hint_at_least(level) >= hint_at_most(low)
    assert (level > low) or hint_at_most(level) <= hint_at_least(low)


@given(AMOUNTS, PRICES)
def test_money_and_prices_come_back_as_they_went_in(amount: Decimal, price: Decimal) -> None:
    query = select(literal(amount, MoneyUnits()), literal(price, DecimalText()))
    with create_engine("sqlite://").connect() as connection:
        assert tuple(connection.execute(query).one()) == (amount, price)


def test_nothing_stays_nothing() -> None:
    query = select(literal(None, MoneyUnits()), literal(None, DecimalText()))
    with create_engine("sqlite://").connect() as connection:
        assert list(connection.execute(query).one()) == [None, None]
    assert (optional_units(None), optional_plain(None), optional_decimal(None)) == (None, None, None)


def test_more_money_than_a_column_holds_is_refused() -> None:
    assert units(Decimal("92233720368.54775807")) == 2**63 - 1
    with pytest.raises(Refused, match="more than a ledger can hold") as refused:
        units(Decimal("92233720368.54775808"))
    assert refused.value.error_code == "amount_too_large"


def test_a_float_is_no_price() -> None:
    with pytest.raises(TypeError, match=r"0\.1 is not a Decimal"):
        DecimalText().process_bind_param(0.1, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("operation", ["__lt__", "__le__", "__gt__", "__ge__", "__add__", "__sub__", "__mul__"])
def test_decimal_text_is_never_compared_or_added_in_sql(operation: str) -> None:
    price = column("price", DecimalText())
    with pytest.raises(TypeError, match="in Python"):
        getattr(price, operation)(Decimal(9))
    with pytest.raises(TypeError, match="in Python"):
        price.desc()
