"""docs/exports.md names every column of every export, in the order in which it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from papertrade.commands.export_tables import FILTERS, What
from papertrade.feeds.signal_rows import COLUMNS as SIGNALS
from papertrade.render import export_columns as columns
from papertrade.render.beancount import BOOKS

DOC = (Path(__file__).resolve().parents[1] / "docs" / "exports.md").read_text(encoding="utf-8")

NAMES: dict[What, tuple[str, ...]] = {
    What.TRADES: tuple(c.name for c in columns.TRADES),
    What.SIGNALS: SIGNALS,
    What.FILLS: tuple(c.name for c in columns.FILLS),
    What.LEDGER: tuple(c.name for c in columns.LEDGER),
    What.EQUITY: tuple(c.name for c in columns.EQUITY),
    What.EVENTS: tuple(c.name for c in columns.EVENTS),
    What.METRICS: tuple(c.name for c in columns.METRICS),
    What.NOTES: tuple(c.name for c in columns.NOTES),
}


def section(title: str) -> str:
    return DOC.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("what", What)
def test_the_columns_are_described_in_their_order(what: What) -> None:
    table = section(what).split("\n### ", 1)[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == NAMES[what]


@pytest.mark.parametrize("what", What)
def test_the_filters_are_named_where_they_apply(what: What) -> None:
    (row,) = [
        line for line in section("Filters").splitlines() if line.startswith("|") and f"`{what}`" in line.split("|")[1]
    ]
    own = row.split(f"`{what}` also", 1)[-1] if f"`{what}` also" in row else ""
    shared = row.split(";", 1)[0]
    assert set(re.findall(r"--[a-z-]+", shared + own)) == set(FILTERS[what])


def test_each_book_has_its_place_in_beancount() -> None:
    rows = re.findall(r"^\| (\w+) \| `(\w+):Papertrade:Main:(\w+)` \|$", section("ledger"), re.MULTILINE)
    assert rows == [(book.value, *place) for book, place in BOOKS.items()]
