"""Tables fit a terminal without cutting a number, and are whole in a pipe."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from papertrade.render.tables import Align, Column, Frame, Line, Row, cut, number, table, words
from papertrade.render.text import Cell, Tone

TERMINAL = Frame(limit=100, is_unicode=True)
PIPE = Frame()
COLUMNS = (
    number("No"),
    Column("Symbol"),
    number("Entry"),
    number("P/L"),
    number("Fees", drop=2),
    words("Reason", drop=1),
    words("Tags", drop=3),
)


def drawn(lines: Sequence[Line]) -> list[str]:
    return ["".join(cell.text for cell in line) for line in lines]


def test_a_small_table() -> None:
    rows: list[Row] = [["1", "BTCUSDT", Cell("+5.00", Tone.GAIN)], ["12", "X", "-10.00"]]
    lines = table([number("No"), Column("Symbol"), number("P/L")], rows, PIPE, total=["", "", "-5.00"])
    assert drawn(lines) == [
        "No  Symbol      P/L",
        "-------------------",
        " 1  BTCUSDT   +5.00",
        "12  X        -10.00",
        "-------------------",
        "              -5.00",
    ]
    assert lines[2][-1] == Cell(" +5.00", Tone.GAIN)


def test_rules_are_drawn_where_they_can_be() -> None:
    assert drawn(table([Column("A")], [["bc"]], TERMINAL)) == ["A", "──", "bc"]


def test_a_table_without_rows_is_its_header() -> None:
    assert drawn(table([Column("A"), number("B")], [], PIPE)) == ["A  B", "----"]


def test_wide_characters_are_measured() -> None:
    assert drawn(table([Column("A"), number("B")], [["日本", "1"], ["x", "2"]], PIPE))[2:] == ["日本  1", "x     2"]


def test_the_most_dispensable_columns_go_first() -> None:
    columns = [number("No"), number("Keep"), number("First", drop=2), number("Later", drop=1)]
    rows = [["1", "22222222", "33333333", "44444444"]]
    assert drawn(table(columns, rows, Frame(limit=32)))[0] == "No      Keep     First     Later"
    assert drawn(table(columns, rows, Frame(limit=31)))[0] == "No      Keep     Later"
    assert drawn(table(columns, rows, Frame(limit=21)))[0] == "No      Keep"


def test_text_is_cut_before_a_column_is_left_out() -> None:
    columns = [Column("Symbol"), words("Reason", drop=1)]
    rows = [["BTCUSDT", "a breakout above the range"]]
    assert drawn(table(columns, rows, Frame(limit=20, is_unicode=True)))[2] == "BTCUSDT  a breakout…"
    assert drawn(table(columns, rows, Frame(limit=20)))[2] == "BTCUSDT  a breako..."
    assert drawn(table(columns, rows, Frame(limit=16)))[2] == "BTCUSDT"


def test_a_row_that_cannot_fit_becomes_a_block() -> None:
    columns = [number("Entry"), number("Quantity"), words("Reason")]
    rows = [["12345678.12345678", "0.00000001", "a breakout above"], ["1", "2", "x"]]
    assert drawn(table(columns, rows, Frame(limit=30))) == [
        "Entry     12345678.12345678",
        "Quantity  0.00000001",
        "Reason    a breakout above",
        "",
        "Entry     1",
        "Quantity  2",
        "Reason    x",
    ]


def test_hostile_text_is_made_visible_before_it_is_measured() -> None:
    assert drawn(table([Column("A"), number("B")], [["\x1b[2J", Cell("\u202e")]], PIPE)) == [
        "A                 B",
        "-------------------",
        "\\u{1b}[2J  \\u{202e}",
    ]


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells under 2 columns"):
        table([Column("A"), Column("B")], [["x"]], PIPE)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("日本語", 5, "日本…"), ("abc", 1, "…")],
)
def test_cut(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


NUMBERS = st.decimals(min_value=-(10**12), max_value=10**12, places=8).map(lambda value: f"{value:f}")
ROWS = st.lists(
    st.tuples(NUMBERS, st.text(max_size=32), NUMBERS, NUMBERS, NUMBERS, st.text(), st.text()), min_size=1, max_size=5
)


@given(ROWS)
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(rows: list[tuple[str, ...]]) -> None:
    lines = drawn(table(COLUMNS, [[a, b[:3], *rest] for a, b, *rest in rows], TERMINAL))
    assert max(map(cell_len, lines)) <= 100
    text = "\n".join(lines)
    for row in rows:
        assert row[0] in text
        assert row[2] in text
        assert row[3] in text


@given(ROWS)
def test_a_pipe_cuts_nothing_and_has_ascii_rules(rows: list[tuple[str, ...]]) -> None:
    printable = [tuple(cell if cell.isprintable() else "x" for cell in row) for row in rows]
    lines = drawn(table(COLUMNS, printable, PIPE))
    assert len(lines) == len(rows) + 2
    assert set(lines[1]) == {"-"}
    for row, line in zip(printable, lines[2:], strict=True):
        assert [cell for cell in row[:4] if cell.rstrip() not in line] == []


def test_a_pipe_leaves_out_what_is_dispensable_only_beyond_100_columns() -> None:
    columns = [number("No"), words("Reason", drop=1), words("Tags", drop=2)]
    assert drawn(table(columns, [["1", "r" * 50, "t" * 44]], PIPE))[0].split() == ["No", "Reason", "Tags"]
    assert drawn(table(columns, [["1", "r" * 50, "t" * 45]], PIPE))[0].split() == ["No", "Reason"]
    assert drawn(table(columns[:2], [["1", "r" * 97]], PIPE))[0].split() == ["No"]
    assert drawn(table([number("No"), words("Reason")], [["1", "r" * 97]], PIPE))[2] == f" 1  {'r' * 97}"


def test_numbers_stand_right_and_are_never_elastic() -> None:
    assert number("P/L") == Column("P/L", Align.RIGHT)
    assert words("Reason", drop=2) == Column("Reason", Align.LEFT, 2, is_elastic=True)
