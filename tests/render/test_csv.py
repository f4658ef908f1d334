"""CSV that a spreadsheet may open: RFC 4180, no formulas, nothing lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.render.csv import Sheet, Value, csv_lines, neutral, restored

STARTERS = "=+-@\t\r\n＝＋－＠"
TEXTS = st.text(st.one_of(st.sampled_from(STARTERS + "\"' ,;"), st.characters(exclude_characters="\0")))


def written(header: tuple[str, ...], *rows: Sequence[Value]) -> str:
    return "".join(csv_lines(Sheet(header, rows)))


def test_a_sheet_in_full() -> None:
    row = ("BTCUSDT", Decimal("-5.0"), 7, None, True, False, 'say "hi", twice', "two\nlines")
    assert written(("symbol", "pnl", "id", "stop", "live", "done", "reason", "note"), row) == (
        'symbol,pnl,id,stop,live,done,reason,note\r\nBTCUSDT,-5,7,,true,false,"say ""hi"", twice","two\nlines"\r\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "  =1",
        '"=1',
        "' -1",
        "\u00a0=1",
    ],
)
def test_formulas_are_neutralised(text: str) -> None:
    assert neutral(text) == f"'{text}"
    assert restored(neutral(text)) == text


@pytest.mark.parametrize("text", ["", "BTCUSDT", "a=b", "'quoted'", "it's", "1-2", "日本"])
def test_harmless_text_is_left_alone(text: str) -> None:
    assert neutral(text) == text
    assert restored(text) == text


@given(TEXTS)
def test_f33_no_text_cell_begins_like_a_formula(text: str) -> None:
    cell = next(csv.reader(io.StringIO("".join(csv_lines(Sheet(("x", "y"), [(text, 1)]))), newline="")))
    assert cell == ["x", "y"]
    shown = neutral(text)
    assert not shown.startswith(tuple(STARTERS))
    assert not shown.lstrip('" \u00a0').startswith(tuple(STARTERS))


@given(st.lists(st.tuples(TEXTS, st.decimals(allow_nan=False, allow_infinity=False, places=8), st.integers())))
def test_what_was_exported_can_be_read_back(rows: list[tuple[str, Decimal, int]]) -> None:
    text = "".join(csv_lines(Sheet(("text", "price", "id"), rows)))
    header, *body = csv.reader(io.StringIO(text, newline=""))
    assert header == ["text", "price", "id"]
    assert [(restored(a), Decimal(b), int(c)) for a, b, c in body] == rows


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("-Infinity")])
def test_what_is_not_a_number_is_refused(value: Decimal) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        written(("x",), (value,))


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells under 2 columns"):
        written(("x", "y"), ("a",))
