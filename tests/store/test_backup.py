"""A copy of a living database is whole, checked and never half there."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from papertrade.errors import DatabaseUnusable, Refused
from papertrade.store.store import Store
from tests.store.stories import founded, opened


def test_a_copy_taken_while_others_read_is_the_whole_book(book: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with closing(opened(book.path)) as other, other.read() as reader:
        report = book.backup(target)
        assert report.events == reader.last_seq()
    assert report.is_sound
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.glob("copy.db*")) == ["copy.db"]
    with closing(opened(target)) as copied:
        assert copied.check() == report
        copied.write(lambda w: founded(w, "in the copy"))
    with book.read() as reader:
        assert reader.account_named("in the copy") is None


def test_a_file_is_only_replaced_by_force(book: Store, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("precious")
    with pytest.raises(Refused, match="already exists") as refused:
        book.backup(target)
    assert (refused.value.error_code, target.read_text()) == ("file_exists", "precious")
    assert book.backup(target, is_forced=True).is_sound


def test_a_copy_of_wrong_books_is_made_and_said_to_be_wrong(book: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(book.path, isolation_level=None)) as outsider:
        outsider.execute("UPDATE trade SET armed_below = 5 WHERE id = 7")
    (difference,) = book.backup(tmp_path / "copy.db").differences
    assert difference.record == "trade 7 armed_below"


def test_a_copy_that_cannot_be_written_leaves_nothing(book: Store, tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match="no such file or directory"):
        book.backup(tmp_path / "missing" / "copy.db")
    folder = tmp_path / "copy.db"
    folder.mkdir()
    with pytest.raises(DatabaseUnusable):
        book.backup(folder, is_forced=True)
    assert sorted(p.name for p in tmp_path.glob("copy*")) == ["copy.db"]


def test_a_naive_copy_of_the_file_alone_would_miss_what_is_in_the_log(store: Store, tmp_path: Path) -> None:
    """Why `backup` exists: the newest commits are in the write-ahead log."""
    store.write(founded)
    naive = tmp_path / "naive.db"
    naive.write_bytes(store.path.read_bytes())
    with closing(opened(naive)) as copied, copied.read() as reader:
        assert reader.last_seq() == 0
    assert store.backup(tmp_path / "copy.db").events == 2
