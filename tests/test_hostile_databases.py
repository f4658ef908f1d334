"""Databases that are none, are not ours, are newer than we are, or are damaged: refused in words and left alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from papertrade.store.migrations import present_version
from papertrade.store.schema import APPLICATION_ID
from tests.commands.stored_books import stored
from tests.hostile import ASKS, LISTS, WRITES, a_line, ask, content


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One database for all tests that only read."""
    return stored(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def books(tmp_path: Path) -> dict[str, str]:
    return stored(tmp_path)


def a_text_file(path: Path) -> None:
    path.write_text("my diary, page 1\n" * 100, encoding="utf-8")


def an_empty_file(path: Path) -> None:
    path.write_bytes(b"")


def a_short_file(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def a_newer_schema(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()


def no_schema(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 0")
    connection.close()


def another_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 1")
    connection.close()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def half_a_file(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])


def only_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


def garbage_below_the_header(path: Path) -> None:
    raw = path.read_bytes()
    path.write_bytes(raw[:100] + b"\xa5" * (len(raw) - 100))


REFUSED_UNREAD = [
    (a_text_file, "it is not a papertrade database"),
    (an_empty_file, "it is an empty file"),
    (a_short_file, "it is not a papertrade database"),
    (a_newer_schema, f"it was made by a newer papertrade (schema 999, this one knows {present_version()})"),
    (no_schema, "it has no schema"),
    (another_program, "it is not a papertrade database"),
    (a_pipe, "it is a device, a pipe or a socket"),
    (a_folder, "it is a folder"),
]
DAMAGED = [half_a_file, only_the_header, garbage_below_the_header]


@pytest.mark.parametrize(("make", "reason"), REFUSED_UNREAD, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_no_database_of_ours_is_refused_and_left_alone(
    books: dict[str, str], make: Callable[[Path], None], reason: str
) -> None:
    path = Path(books["PAPERTRADE_DB"])
    make(path)
    before = content(path.parent)
    for words in [*LISTS, *WRITES, *ASKS]:
        done = ask([*words, "--json"], books)
        assert done.error["message"] == f"database `{path}` cannot be used: {reason}"
        assert done.code == 12
        assert done.err == ""
    assert content(path.parent) == before


@pytest.mark.parametrize("make", DAMAGED)
@pytest.mark.parametrize("words", [*LISTS, *WRITES, *ASKS], ids=a_line)
def test_f12_a_damaged_database_is_never_a_traceback(
    tmp_path: Path, kept: dict[str, str], make: Callable[[Path], None], words: list[str]
) -> None:
    path = tmp_path / "books.db"
    shutil.copy(kept["PAPERTRADE_DB"], path)
    make(path)
    before = path.read_bytes()
    done = ask([*words, "--json"], {**kept, "PAPERTRADE_DB": str(path)})
    assert done.envelope["success"] is (done.code == 0)
    assert done.code in (0, 12, 13)
    assert path.read_bytes() == before


def test_flipped_bits_are_never_a_traceback(tmp_path: Path, kept: dict[str, str]) -> None:
    raw = Path(kept["PAPERTRADE_DB"]).read_bytes()
    path = tmp_path / "books.db"
    codes = set()
    for place in range(101, len(raw), len(raw) // 50):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0x55]) + raw[place + 1 :])
        for words in (["check", "--json"], ["trades", "--json"]):
            done = ask(words, {**kept, "PAPERTRADE_DB": str(path)})
            assert done.envelope["success"] is (done.code == 0)
            codes.add(done.code)
    assert codes == {0, 12, 13}


def test_the_file_says_whose_it_is(kept: dict[str, str]) -> None:
    connection = sqlite3.connect(kept["PAPERTRADE_DB"])
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    connection.close()
