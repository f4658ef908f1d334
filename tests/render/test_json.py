"""The envelope and the encoding: plain decimals, ASCII text, one line."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.errors import NotFound, PartialFailure
from papertrade.render.json import Encodable, encode, event_line, failure_envelope, listing, success_envelope

AT = 1_795_168_800_000


class Exit(StrEnum):
    TAKE_PROFIT = "take_profit"


VALUES: list[tuple[Encodable, object]] = [
    (None, None),
    (True, True),
    (7, 7),
    ("x", "x"),
    (Exit.TAKE_PROFIT, "take_profit"),
    (Decimal("6E+4"), "60000"),
    (Decimal("1E-8"), "0.00000001"),
    (Decimal("-0.0"), "0"),
    (1.5, "1.5"),
    (1e-7, "0.0000001"),
    (1e22, "10000000000000000000000"),
    ((1, Decimal("2.50")), [1, "2.5"]),
    ({"a": {"b": [None]}}, {"a": {"b": [None]}}),
    (listing([Decimal(1)], 9), {"items": ["1"], "total": 9}),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_encode(value: Encodable, expected: object) -> None:
    encoded = encode(value)
    assert encoded == expected
    assert type(encoded) is type(expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity")])
def test_what_is_not_a_number_is_refused(value: Encodable) -> None:
    with pytest.raises(ValueError, match="cannot be written as a number"):
        encode([value])


def test_success() -> None:
    assert (
        success_envelope({"cash": Decimal("10000.00")}, AT)
        == '{"success": true, "data": {"cash": "10000"}, "timestamp": "2026-11-20T10:00:00.000Z"}\n'
    )


def test_failure_without_data() -> None:
    assert json.loads(failure_envelope(NotFound("no trade `7`"), AT)) == {
        "success": False,
        "error": {"code": "not_found", "message": "no trade `7`", "hint": None, "details": {}},
        "timestamp": "2026-11-20T10:00:00.000Z",
    }


def test_failure_with_what_was_achieved() -> None:
    envelope = json.loads(failure_envelope(PartialFailure("1 of 2", data={"trades": []}), AT))
    assert list(envelope) == ["success", "error", "data", "timestamp"]
    assert envelope["data"] == {"trades": []}


def test_event() -> None:
    assert event_line("trade_closed", AT, {"id": 7}) == (
        '{"event": "trade_closed", "at": "2026-11-20T10:00:00.000Z", "data": {"id": 7}}\n'
    )


@given(st.text(st.characters()))
def test_any_text_survives_and_no_character_acts_on_a_terminal(text: str) -> None:
    line = success_envelope({"text": text}, AT)
    assert json.loads(line)["data"]["text"] == text
    assert line.endswith("\n")
    assert all(" " <= character <= "~" for character in line[:-1])


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_decimals_survive_to_the_last_digit(value: Decimal) -> None:
    text = encode(value)
    assert isinstance(text, str)
    assert "E" not in text
    assert Decimal(text) == value
