"""`db backup` and `db migrate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrade.commands.db import migration_line
from papertrade.store.migrations import present_version
from tests.cli import Result, run
from tests.commands.stored_books import in_words, size_of, stored
from tests.commands.test_check import edit_a_trade


@pytest.fixture
def books(tmp_path: Path) -> dict[str, str]:
    return stored(tmp_path)


def test_a_backup_is_a_database_like_any_other(books: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    done = run(["db", "backup", str(copy)], books)
    assert done == Result(0, "", f"wrote {copy}: {in_words(size_of(books))}\n")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert run(["export", "trades", "--db", str(copy)], books).out == run(["export", "trades"], books).out
    assert run(["db", "backup", str(tmp_path / "two.db"), "-q"], books).err == ""


def test_a_backup_without_a_name_stands_beside_the_database(books: dict[str, str]) -> None:
    database = Path(books["PAPERTRADE_DB"])
    done = run(["db", "backup"], books)
    (copy,) = database.parent.glob("*.bak")
    assert (done.code, copy.name) == (0, f"{database.name}.20261120T100000Z.bak")


def test_a_backup_does_not_replace_a_file_unasked(books: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("mine", encoding="utf-8")
    refused = run(["db", "backup", str(copy)], books)
    assert refused == Result(6, "", f"error: `{copy}` already exists\nhint: give another name, or --force\n")
    data = run(["db", "backup", str(copy), "--force", "--json"], books).envelope["data"]
    size = size_of(books)
    assert data == {
        "file": str(copy),
        "sound": True,
        "events": size.events,
        "trades": 7,
        "postings": size.postings,
        "differences": [],
    }
    assert run(["db", "backup", str(tmp_path), "--force", "--json"], books).error["code"] == "not_a_file"


@pytest.mark.parametrize("end", ["", "-wal", "-shm", ".write.lock", ".watch.lock"])
def test_a_backup_never_takes_the_place_of_the_database(books: dict[str, str], end: str) -> None:
    target = books["PAPERTRADE_DB"] + end
    done = run(["db", "backup", target, "--force", "--json"], books)
    assert done.code == 6
    assert done.error["code"] == "own_file"
    assert run(["check", "-q"], books).code == 0


def test_a_link_to_the_database_is_the_database(books: dict[str, str], tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(books["PAPERTRADE_DB"])
    assert run(["db", "backup", str(link), "--force", "--json"], books).error["code"] == "own_file"


def test_a_backup_of_books_that_do_not_agree_is_kept_and_told(books: dict[str, str], tmp_path: Path) -> None:
    edit_a_trade(books)
    copy = tmp_path / "copy.db"
    done = run(["db", "backup", str(copy)], books)
    assert done.code == 13
    assert done.out.splitlines()[1].startswith("view: trade 1 realized_u: expected -")
    assert done.err.startswith(f"error: 4 differences in `{copy}`\n")
    assert copy.exists()


def test_a_backup_into_a_missing_folder_names_it(books: dict[str, str], tmp_path: Path) -> None:
    done = run(["db", "backup", str(tmp_path / "none" / "copy.db"), "--json"], books)
    assert done.code == 12
    assert str(tmp_path / "none") in str(done.error["message"])


def test_a_database_of_today_needs_no_migration(books: dict[str, str]) -> None:
    path = books["PAPERTRADE_DB"]
    told = f"{path} is up to date (schema {present_version()})\n"
    assert run(["db", "migrate"], books) == Result(0, told, "")
    assert run(["db", "migrate", "--json"], books).envelope["data"] == {
        "database": path,
        "schema": present_version(),
        "migrated_from": None,
        "backup": None,
    }


def test_a_migration_names_the_backup() -> None:
    line = migration_line(Path("a.db"), 1, 3, Path("a.db.v1.bak"))
    assert line == "a.db was brought from schema 1 to 3; backup: a.db.v1.bak"


@pytest.mark.parametrize("words", [["db", "migrate"], ["db", "backup", "copy.db"]])
def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, words: list[str]) -> None:
    done = run([*words, "--json"], {"PAPERTRADE_DB": str(tmp_path / "none.db"), "PAPERTRADE_CONFIG": ""})
    assert done.code == 12
    assert done.error["hint"] == "`papertrade init` makes it"
