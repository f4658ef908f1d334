"""The heat map: numbers where they fit, signs and shades where not, the best always shown and marked."""

from __future__ import annotations

from collections.abc import Sequence

from papertrade.render.heat_map import HeatMap, heat_map
from papertrade.render.tables import Line
from papertrade.render.text import Tone


def texts(lines: Sequence[Line]) -> list[str]:
    """Join the cells of each line."""
    return ["".join(cell.text for cell in line) for line in lines]


def chart(rows: int, columns: int, best: tuple[int, int]) -> HeatMap:
    """Make a map whose values fall from the upper left to the lower right, around 0."""
    return HeatMap(
        row_title="stop",
        column_title="target",
        rows=[f"{row + 1}%" for row in range(rows)],
        columns=[f"{column + 1}%" for column in range(columns)],
        values=[[float(rows + columns - 2 * (row + column)) for column in range(columns)] for row in range(rows)],
        best=best,
        write=lambda value: f"{value:+.0f}",
    )


def test_numbers_where_they_fit() -> None:
    assert texts(heat_map(chart(2, 3, (0, 0)), 100, is_unicode=True)) == [
        "stop   1%  2%  3%",
        "  1%  *+5  +3  +1",
        "  2%   +3  +1  -1",
        "stop down, target across; * the best",
    ]


def test_signs_and_shades_where_numbers_do_not_fit() -> None:
    assert texts(heat_map(chart(2, 9, (0, 0)), 33, is_unicode=True)) == [
        "stop  1% 2% 3% 4% 5% 6% 7% 8% 9%",
        "  1%  *█ +█ +▓ +▒ +▒ +░ -░ -▒ -▒",
        "  2%  +█ +▓ +▒ +▒ +░ -░ -▒ -▒ -▓",
        "stop down, target across; * the best; ░ near +0 .. █ far above (+) or below (-)",
    ]


def test_ascii_needs_no_colour_and_no_blocks() -> None:
    lines = texts(heat_map(chart(2, 9, (0, 0)), 33, is_unicode=False))
    assert lines[2] == "  2%  +# +o +: +: +. -. -: -: -o"
    assert all(line.isascii() for line in lines)


def test_colour_repeats_what_the_signs_say() -> None:
    lines = heat_map(chart(1, 3, (0, 0)), 100, is_unicode=True)
    assert [cell.tone for cell in lines[1][1:]] == [Tone.STRONG, Tone.GAIN, Tone.DIM]


def test_what_does_not_fit_is_thinned_out_around_the_best() -> None:
    lines = texts(heat_map(chart(70, 40, (33, 17)), 60, is_unicode=True))
    shown = [line for line in lines if line.lstrip().startswith("34%")]
    assert len(shown) == 1
    assert shown[0].count("*") == 1
    assert sum(line.count("*") for line in lines[:-2]) == 1
    assert len(lines) <= 30 + 3
    assert all(len(line) <= 60 for line in lines[:-2])
    assert lines[-1] == "shown: 24 of 70 stops, 13 of 40 targets, evenly from the best"


def test_what_is_unknown_is_no_zero() -> None:
    known = chart(1, 2, (0, 0))
    unknown = HeatMap(
        row_title="stop",
        column_title="target",
        rows=known.rows,
        columns=known.columns,
        values=[[None, 0.0]],
        best=(0, 0),
        write=known.write,
    )
    assert texts(heat_map(unknown, 100, is_unicode=True))[1] == "  1%   *-  +0"
    assert texts(heat_map(unknown, 12, is_unicode=True))[1] == "  1%   *  ░"
