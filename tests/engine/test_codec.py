"""Every event survives the journal's text unchanged, and text of another shape never becomes an event."""

from __future__ import annotations

import json
from collections.abc import Hashable
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from papertrade.engine.codec import KIND_OF, KINDS, decode, decode_many, encode, parse_long_decimal
from papertrade.engine.conventions import Convention
from papertrade.engine.market import Candle, Quote
from papertrade.engine.messages import CashMoved, Cause, TradeFlagged
from papertrade.engine.money import canonical
from papertrade.engine.signal import EntryType, ExitWish, Level, LevelKind, Signal, Size, SizeKind, TargetWish
from papertrade.engine.trade import Flag, Levels, Order, Target, Terms

positive = st.decimals("0.00000001", "99999999", places=8).map(canonical)
amounts = st.decimals("-99999999", "99999999", places=18).map(canonical)
counts = st.integers(-(2**62), 2**62)
texts = st.text(max_size=20)


def values_of(hint: Hashable) -> st.SearchStrategy[object]:
    """Return a strategy for one annotation of the engine's values."""
    if hint in SPECIAL:
        return SPECIAL[hint]
    arguments = [argument for argument in get_args(hint) if argument is not NoneType]
    if get_origin(hint) is tuple:
        return st.lists(values_of(arguments[0]), max_size=2).map(tuple)
    if arguments:
        return st.none() | values_of(arguments[0])
    assert isinstance(hint, type)
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    return built(hint)


def built(cls: type, **fixed: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Build a dataclass from its annotations, but for the fields given."""
    rest = {name: later(hint) for name, hint in get_type_hints(cls).items() if name not in fixed}
    return st.builds(cls, **rest, **fixed)


def later(hint: Hashable) -> st.SearchStrategy[object]:
    return st.deferred(lambda: values_of(hint))


def candles(four: list[Decimal]) -> st.SearchStrategy[object]:
    low, high = st.just(min(four)), st.just(max(four))
    return built(Candle, low=low, high=high, open=st.just(four[0]), close=st.just(four[1]), volume=positive)


percents = st.builds(TargetWish, st.builds(Level, st.just(LevelKind.PERCENT), positive))
words = st.text("ab.-é", min_size=1, max_size=9)

SPECIAL: dict[Hashable, st.SearchStrategy[object]] = {
    bool: st.booleans(),
    Decimal: amounts,
    int: counts,
    str: texts,
    Quote: built(Quote, last=positive, bid=positive | st.none(), ask=positive | st.none()),
    Candle: st.lists(positive, min_size=4, max_size=4).flatmap(candles),
    Level: built(Level, value=positive),
    ExitWish: st.builds(
        ExitWish,
        st.none() | st.builds(Level, st.just(LevelKind.PRICE), positive),
        st.lists(percents, max_size=2, unique_by=lambda wish: wish.level).map(tuple),
    ),
    Size: built(Size, kind=st.sampled_from([SizeKind.QUANTITY, SizeKind.RISK_AMOUNT]), value=positive),
    Signal: built(
        Signal,
        source=words,
        external_id=words,
        entry_type=st.sampled_from([EntryType.LIMIT, EntryType.STOP]),
        entry_price=positive,
        confidence=st.none() | st.decimals("0", "1", places=3),
        tags=st.lists(st.text("xyz", min_size=1, max_size=5), max_size=2).map(tuple),
    ),
    Order: built(Order, quantity=positive),
}

events = st.one_of([built(cls) for cls in KINDS.values()])


def test_what_came_later_is_not_written_where_it_is_not_said() -> None:
    assert json.loads(encode(Cause(rule="by hand", raw_price=Decimal(1)))).keys() == {
        *("rule", "raw_price", "level", "candle", "quote"),
    }
    assert not {"funding", "borrow", "maintenance"} & json.loads(encode(Terms())).keys()


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(events)
def test_every_event_survives_its_text(event: object) -> None:
    text = encode(event)
    assert decode(type(event), text) == event
    assert text.isascii()
    assert encode(decode(type(event), text)) == text


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(events, st.data())
def test_a_field_more_or_less_is_refused_or_a_default(event: object, data: st.DataObject) -> None:
    fields = json.loads(encode(event))
    with pytest.raises(ValueError, match="has no"):
        decode(type(event), json.dumps({**fields, "surprise": 1}))
    needed = "account_id" if "account_id" in fields else next(iter(fields))
    del fields[needed]
    with pytest.raises(ValueError, match="not a"):
        decode(type(event), json.dumps(fields))


def test_each_event_has_one_name_and_each_name_one_event() -> None:
    assert {KINDS[kind] for kind in KINDS} == set(KIND_OF)
    assert all(KINDS[KIND_OF[cls]] is cls for cls in KIND_OF)


GOOD = '{"account_id":1,"amount":"5","note":""}'


def test_the_text_is_compact_and_plain() -> None:
    assert encode(CashMoved(account_id=1, amount=Decimal("5E+0"))) == GOOD
    assert encode(CashMoved(account_id=1, amount=Decimal("1E+3"), note="é")) == (
        '{"account_id":1,"amount":"1000","note":"\\u00e9"}'
    )
    assert encode(TradeFlagged(trade_id=1, flags=(Flag.SHRUNK,), at_ms=2)) == (
        '{"trade_id":1,"flags":["shrunk"],"at_ms":2}'
    )


def test_a_field_with_a_default_may_be_missing_in_an_old_journal() -> None:
    assert decode(CashMoved, '{"account_id":1,"amount":"5"}') == decode(CashMoved, GOOD)


def test_tuples_survive_their_text() -> None:
    levels = (
        Levels(Decimal(95), (Target(Decimal(110), Decimal("0.5"), True),), Decimal(1)),
        Levels(None, (), Decimal(2)),
    )
    assert decode_many(Levels, encode(levels)) == levels
    assert decode_many(str, encode(("a", "b"))) == ("a", "b")
    assert decode(Convention, encode(Convention())) == Convention()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "null",
        "[]",
        '"text"',
        '{"account_id":"1","amount":"5"}',
        '{"account_id":1.0,"amount":"5"}',
        '{"account_id":true,"amount":"5"}',
        '{"account_id":null,"amount":"5"}',
        '{"account_id":1,"amount":5}',
        '{"account_id":1,"amount":5.0}',
        '{"account_id":1,"amount":NaN}',
        '{"account_id":1,"amount":"NaN"}',
        '{"account_id":1,"amount":"1e3"}',
        '{"account_id":1,"amount":"5","note":null}',
        '{"account_id":1,"amount":"5","note":["a"]}',
        '{"amount":"5"}',
        "[" * 100_000,
    ],
)
def test_text_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(CashMoved, text)


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Flag"):
        decode(TradeFlagged, '{"trade_id":1,"flags":["lucky"],"at_ms":2}')
    with pytest.raises(ValueError, match="not a"):
        decode(TradeFlagged, '{"trade_id":1,"flags":"shrunk","at_ms":2}')


def test_what_has_no_place_in_the_journal_is_refused() -> None:
    with pytest.raises(ValueError, match="no place in the journal"):
        decode(float, "1")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=40))
def test_long_decimals_of_the_journal_keep_every_digit(value: Decimal) -> None:
    assert parse_long_decimal(format(value, "f")) == value


@pytest.mark.parametrize("text", ["1." + "0" * 61, "1." + "1" * 20 + "x", "x." + "1" * 20, "1.１" + "1" * 20, "1e5"])
def test_what_is_no_decimal_of_the_journal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal"):
        parse_long_decimal(text)
