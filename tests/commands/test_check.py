"""`check` tells what it checked, or every difference; `--rebuild` mends the views from the journal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli import Result, run
from tests.commands.stored_books import in_words, size_of, stored
from tests.store.stories import opened

LAG = "live trades of 2 symbols were never caught up: papertrade watch --once\n"


@pytest.fixture
def books(tmp_path: Path) -> dict[str, str]:
    return stored(tmp_path)


def damage(books: dict[str, str], *statements: str) -> None:
    """Change a database behind its own back."""
    store = opened(Path(books["PAPERTRADE_DB"]))
    for statement in statements:
        store._driver().execute(statement)
    store.close()


def edit_a_trade(books: dict[str, str]) -> None:
    damage(books, "DROP TRIGGER trade_frozen", "UPDATE trade SET realized_u = 5 WHERE id = 1")


def test_sound_books_are_told_in_one_line(books: dict[str, str]) -> None:
    path = books["PAPERTRADE_DB"]
    done = run(["check"], books)
    assert done == Result(0, f"checked {path}: {in_words(size_of(books))}\n", LAG)
    assert run(["check", "-q"], books) == Result(0, "", "")


def test_sound_books_as_an_envelope(books: dict[str, str]) -> None:
    size = size_of(books)
    assert run(["check", "--json"], books).envelope["data"] == {
        "database": books["PAPERTRADE_DB"],
        "sound": True,
        "events": size.events,
        "trades": 7,
        "postings": size.postings,
        "differences": [],
        "backup": None,
        "mended": 0,
    }


def test_each_difference_is_a_line_with_what_was_expected(books: dict[str, str]) -> None:
    edit_a_trade(books)
    done = run(["check"], books)
    assert done.code == 13
    lines = done.out.splitlines()
    assert lines[0].startswith("schema: trade_frozen: expected CREATE TRIGGER trade_frozen")
    assert re.fullmatch(r"view: trade 1 realized_u: expected -[0-9]{9}, found 5", lines[1])
    assert done.err == (
        f"error: 4 differences in `{books['PAPERTRADE_DB']}`\n"
        "hint: `papertrade check --rebuild` writes the views anew from the journal, after a backup\n"
    )
    assert len(lines) == 4
    assert run(["check", "-q"], books).out == done.out


def test_differences_come_beside_the_error_in_the_envelope(books: dict[str, str]) -> None:
    edit_a_trade(books)
    done = run(["check", "--json"], books)
    assert done.code == 13
    assert done.error["code"] == "difference"
    data = done.envelope["data"]
    assert isinstance(data, dict)
    assert data["sound"] is False
    differences = data["differences"]
    assert isinstance(differences, list)
    first = differences[1]
    assert isinstance(first, dict)
    assert (first["invariant"], first["record"], first["actual"]) == ("view", "trade 1 realized_u", "5")
    assert str(first["expected"]).startswith("-")


def test_a_rebuild_mends_the_views_and_names_the_backup(books: dict[str, str]) -> None:
    edit_a_trade(books)
    path = books["PAPERTRADE_DB"]
    done = run(["check", "--rebuild"], books)
    backup = f"{path}.1795168800000.bak"
    assert done.code == 0
    assert done.out == (
        f"rebuilt {path}: 4 differences before; backup: {backup}\nchecked {path}: {in_words(size_of(books))}\n"
    )
    assert run(["check", "--db", backup], books).code == 13
    assert run(["check"], books).code == 0


def test_a_damaged_journal_is_not_rebuilt_from(books: dict[str, str]) -> None:
    damage(books, "DROP TRIGGER event_no_update", "UPDATE event SET effective_ms = effective_ms + 1 WHERE seq = 2")
    checked = run(["check"], books)
    assert checked.code == 13
    assert checked.err.splitlines()[1] == "hint: the journal itself is damaged: restore a backup"
    assert run(["check", "--rebuild", "--json"], books).code == 12


def test_nothing_is_made_where_there_is_nothing(tmp_path: Path) -> None:
    done = run(["check", "--json"], {"PAPERTRADE_DB": str(tmp_path / "none.db"), "PAPERTRADE_CONFIG": ""})
    assert done.code == 12
    assert done.error["message"] == f"database `{tmp_path}/none.db` cannot be used: it does not exist"
    assert list(tmp_path.iterdir()) == []


def test_accounts_that_are_gone_are_differences_and_not_made_anew(books: dict[str, str]) -> None:
    damage(
        books,
        "PRAGMA foreign_keys = OFF",
        "DROP TRIGGER account_no_delete",
        "DELETE FROM account",
    )
    before = Path(books["PAPERTRADE_DB"]).read_bytes()
    done = run(["check"], books)
    assert done.code == 13
    assert "view: account 1: expected a row, found no row" in done.out.splitlines()
    assert Path(books["PAPERTRADE_DB"]).read_bytes() == before
