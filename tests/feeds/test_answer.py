"""Foreign JSON and single values: what is taken, what is refused, and how it is shown."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.feeds.answer import (
    Answer,
    excerpt,
    parse_json,
    read_amount,
    read_price,
    read_time_ms,
    read_word,
    utc_text,
)


def test_fractions_are_exact() -> None:
    assert parse_json(b'{"a": 0.1, "b": 12345678901234567890.12345678}') == {
        "a": Decimal("0.1"),
        "b": Decimal("12345678901234567890.12345678"),
    }


def test_not_a_number_is_no_number() -> None:
    answer = parse_json(b'[NaN, Infinity, -Infinity, "1"]')
    assert answer == ["NaN", "Infinity", "-Infinity", "1"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": 1',
        b"\xff\xfe",
        b"[" * 100_000,
        b"1" * 5000,
        b"1e99999999999999999999",
        b'{"a":1}{"a":1}',
        b"\xef\xbb\xbf[]",
    ],
)
def test_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(body)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'[{"symbol":"A","price":"1","price":"2"}]', [{"symbol": "A", "price": ["1", "2"]}]),
        (b'{"a":1,"a":1}', {"a": [1, 1]}),
        (b'{"a" :1, "a":2,"b":[{"c":1,"c":2}]}', {"a": [1, 2], "b": [{"c": [1, 2]}]}),
        (b'[{"a":"x:y"}]', [{"a": "x:y"}]),
        (b'[{"a":1},[2]]', [{"a": 1}, [2]]),
    ],
)
def test_a_key_that_occurs_twice_hides_nothing(body: bytes, answer: Answer) -> None:
    assert parse_json(body) == answer


@pytest.mark.parametrize("text", ["60741.67000000", "0.00000001", "1", "46116860414.00", "12345678901234567890"])
def test_prices_are_read_exactly(text: str) -> None:
    assert read_price(text) == Decimal(text)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "NaN",
            "Infinity",
            "-Infinity",
            "-1",
            "0",
            "0.000",
            "",
            " 1",
            "1 ",
            "1e5",
            "1_000",
            "+1",
            ".5",
            "0x10",
            "１",
            "1,5",
        ),
        *("123456789012345678901", "0.1234567890123456789", 1, Decimal("1.5"), True, None, [], {}, ["1"]),
    ],
)
def test_what_is_no_price_is_refused_with_its_text(value: Answer) -> None:
    with pytest.raises(ValueError, match="`"):
        read_price(value)


def test_an_amount_may_be_zero_but_not_less() -> None:
    assert read_amount("0.00000000") == 0
    with pytest.raises(ValueError, match=r"`-0\.1` is below 0"):
        read_amount("-0.1")


@pytest.mark.parametrize("value", [0, -1, True, "1", 10**15, Decimal(1), None])
def test_what_is_no_time_is_refused(value: Answer) -> None:
    with pytest.raises(ValueError, match="is not a time in milliseconds"):
        read_time_ms(value)


@pytest.mark.parametrize("value", ["", "a b", "a\x1b[2J", "x" * 33, "\u202etxt", 1, None])
def test_what_is_no_name_is_refused(value: Answer) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        read_word(value)


def test_times_and_names_are_read() -> None:
    assert read_time_ms(1_633_835_466_289) == 1_633_835_466_289
    assert utc_text(1_633_835_466_289) == "2021-10-10T03:11:06.289Z"
    assert read_word("1000SATS") == "1000SATS"


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.tuples(inner)))
def test_an_excerpt_is_short_and_printable(value: object) -> None:
    shown = excerpt(value)
    assert shown.isprintable()
    assert len(shown) <= 130


def test_an_excerpt_hides_no_escape() -> None:
    assert excerpt("\x1b[2J\u202e\ud800") == r"\x1b[2J\u202e\ud800"
    assert excerpt("NaN") == "NaN"
