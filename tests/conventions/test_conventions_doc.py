"""docs/conventions.md tells the truth: its table of the named sets, its figures, and every row of every table."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from enum import StrEnum
from pathlib import Path

import pytest

from papertrade.engine.conventions import (
    NAMED,
    Convention,
    DecidedBy,
    EntryAt,
    GapFill,
    LimitFill,
    SameCandle,
    TrailOn,
)
from tests.conventions import test_freqtrade, test_tradingview
from tests.conventions.lives import happened

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "conventions.md").read_text(encoding="utf-8")
OPTIONS = [field.name for field in fields(Convention)]
CHOICES: dict[str, list[StrEnum]] = {
    "same_candle": [*SameCandle],
    "gap_stop": [*GapFill],
    "gap_target": [*GapFill],
    "gap_limit": [*GapFill],
    "limit_fill": [*LimitFill],
    "trail": [*TrailOn],
    "entry": [*EntryAt],
    "decides": [*DecidedBy],
}
SECTIONS = dict(re.findall(r"^### `(\S+)`\n(.*?)(?=^###? |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def cells(text: str) -> list[list[str]]:
    """Return the rows of all tables in a text whose first cell is a name, without their backticks."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip("` ") for cell in row] for row in rows]


EXAMPLES = [row for row in cells(PAGE) if ": " in row[0]]
ROWS = [(name, *row) for name, text in SECTIONS.items() for row in cells(text)]


def convention(option: str) -> Convention:
    """Return the default with one option of the page, `gap_stop: level`."""
    name, value = option.split(": ")
    return replace(Convention(), **{name: next(choice for choice in CHOICES[name] if choice == value)})  # type: ignore[arg-type]


def test_the_table_of_the_named_sets_is_what_they_are() -> None:
    header = next(line for line in PAGE.splitlines() if line.startswith("| set |"))
    columns = re.findall(r"`(\w+)`", header)
    assert sorted(columns) == sorted(OPTIONS)
    table = {row[0]: dict(zip(columns, row[1:], strict=True)) for row in cells(PAGE) if len(row) == len(columns) + 1}
    assert table == {name: {c: str(getattr(named, c)) for c in columns} for name, named in NAMED.items()}


def test_every_value_of_every_option_has_an_example() -> None:
    every = [f"{name}: {choice}" for name in OPTIONS for choice in CHOICES[name]]
    assert sorted(row[0] for row in EXAMPLES) == sorted(every)


@pytest.mark.parametrize(("option", "order", "candles", "expected"), EXAMPLES)
def test_an_example_of_an_option(option: str, order: str, candles: str, expected: str) -> None:
    assert happened(order, candles, convention(option)) == expected


def test_the_values_of_an_option_differ_in_their_example() -> None:
    for name in OPTIONS:
        outcomes = {row[3] for row in EXAMPLES if row[0].startswith(f"{name}:")}
        assert len(outcomes) == 2, name


def test_every_named_set_has_its_section_with_rows() -> None:
    assert list(SECTIONS) == list(NAMED)
    assert all(3 <= len(cells(text)) <= 6 for text in SECTIONS.values())


@pytest.mark.parametrize(("name", "order", "candles", "expected"), ROWS)
def test_a_row_of_a_named_set(name: str, order: str, candles: str, expected: str) -> None:
    assert happened(order, candles, NAMED[name]) == expected


def test_the_figures_of_the_published_tables() -> None:
    same, otherwise = len(test_freqtrade.ROWS), len(test_freqtrade.OTHERWISE)
    unsayable = sum(map(len, test_freqtrade.NOT_SAYABLE.values()))
    assert f"{same} cases come out the same, {otherwise} otherwise, and {unsayable} cannot be said here" in PAGE
    assert f"A table of {len(test_tradingview.ROWS)} rows" in PAGE
