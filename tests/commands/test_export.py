"""Exports: what comes out, in every format, and what is refused before a byte is written."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader

from papertrade.commands import export
from papertrade.engine.market import Side
from papertrade.engine.messages import NoteAdded
from papertrade.engine.signal import EntryType, ExitWish, Signal, Size, SizeKind, parse_level, parse_target
from papertrade.feeds.signal_files import read_signals
from papertrade.store.rows import Recorded
from papertrade.store.store import Writer
from papertrade.store.streams import RowFilter
from tests.cli import NOW_MS, FixedClock, Result
from tests.cli import run as at_any_time
from tests.commands.stored_books import stored
from tests.store.stories import START_MS, a_signal, entered, founded, opened
from tests.store.stories import stored as stored_signal

EVERYTHING = ["trades", "signals", "fills", "ledger", "equity", "events", "metrics", "notes"]
HOSTILE = '=1+1 [red]\x1b[2J\u202e,"x"\n\' end'


NEXT_DAY = FixedClock(START_MS + 86_400_000)


def run(words: list[str], env: dict[str, str], *, is_terminal: bool = False) -> Result:
    """Run a command on the day after the stories."""
    return at_any_time(words, env, clock=NEXT_DAY, is_terminal=is_terminal)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One database for all tests that only read."""
    return stored(tmp_path_factory.mktemp("books"))


@pytest.mark.parametrize("what", EVERYTHING)
def test_the_formats_say_the_same(books: dict[str, str], what: str) -> None:
    table = rows_of(run(["export", what], books).out)
    array = json.loads(run(["export", what, "--format", "json"], books).out)
    lines = [json.loads(line) for line in run(["export", what, "--format", "ndjson"], books).out.splitlines()]
    envelope = run(["export", what, "--json"], books).envelope["data"]
    assert isinstance(envelope, dict)
    assert len(table) == len(array) > 0
    assert array == lines == envelope["items"]
    assert (envelope["what"], envelope["total"]) == (what, len(array))
    assert [list(row) for row in array] == [list(row) for row in table]


@pytest.mark.parametrize("what", EVERYTHING)
def test_csv_is_what_rfc_4180_says(books: dict[str, str], what: str) -> None:
    text = run(["export", what], books).out
    assert text.endswith("\r\n")
    assert len({len(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)}) == 1


def test_trades_are_there_in_every_state(books: dict[str, str]) -> None:
    rows = rows_of(run(["export", "trades", "--all-accounts"], books).out)
    assert [(row["id"], row["account"], row["status"], row["exit_reason"]) for row in rows] == [
        ("1", "main", "closed", "stop_loss"),
        ("2", "main", "closed", "take_profit"),
        ("3", "main", "open", ""),
        ("4", "main", "cancelled", ""),
        ("5", "main", "expired", ""),
        ("6", "second", "pending", ""),
        ("7", "main", "open", ""),
    ]
    first = rows[0]
    assert first["entry_price"] == "100.05"
    assert re.fullmatch(r"[0-9.]+:0\.5;[0-9.]+:0\.5", first["take_profits"])
    assert first["tags"] == "slow"
    assert first["opened_at"] == "2023-11-14T22:14:00.000Z"
    assert first["ambiguous"] == "false"


def test_the_filters_of_trades_apply(books: dict[str, str]) -> None:
    def ids(*words: str) -> list[str]:
        return [row["id"] for row in rows_of(run(["export", "trades", *words], books).out)]

    assert ids() == ["1", "2", "3", "4", "5", "7"]
    assert ids("--status", "closed") == ["1", "2"]
    assert ids("--status", "CLOSED_SL") == ["1"]
    assert ids("--exit", "take_profit") == ["2", "3"]
    assert ids("--symbol", "eth/usdt") == ["3"]
    assert ids("--side", "short") == ["3"]
    assert ids("--tag", "swing") == ["7"]
    assert ids("--since", "2023-11-15") == []
    assert ids("--account", "second") == ["6"]
    assert ids("--account", "second", "--epoch", "2") == []


def test_fills_ledger_and_notes_take_their_filters(books: dict[str, str]) -> None:
    def count(*words: str) -> int:
        return len(rows_of(run(["export", *words], books).out))

    assert count("fills") == 8
    assert count("fills", "--symbol", "ETHUSDT") == 2
    assert count("fills", "--exit", "stop_loss") == 1
    assert count("fills", "--tag", "swing") == 1
    assert count("fills", "--source", "nobody") == 0
    assert count("fills", "--since", "2023-11-14T22:15:00Z") == 5
    assert count("fills", "--until", "2023-11-14T22:15:00Z") == 3
    assert count("ledger", "--until", "2023-11-14T22:15:00Z") + count(
        "ledger", "--since", "2023-11-14T22:15:00Z"
    ) == count("ledger")
    assert count("ledger", "--all-accounts") > count("ledger")
    assert count("notes") == 2
    assert count("notes", "--symbol", "BTCUSDT") == 1
    assert count("notes", "--tag", "mood") == 1
    assert count("notes", "--since", "2023-11-15") == count("notes", "--until", "2023-11-01") == 0
    assert count("signals", "--source", "other") == 2
    assert count("signals", "--symbol", "ETHUSDT") == 1
    assert count("signals", "--tag", "slow") == 1
    assert count("signals", "--since", "2023-11-15") == count("signals", "--until", "2023-11-01") == 0
    assert count("events", "--since", "2023-11-15") == count("events", "--until", "2023-11-01") == 0


def test_the_ledger_sums_to_zero_and_cash_is_what_the_account_has(books: dict[str, str]) -> None:
    rows = rows_of(run(["export", "ledger"], books).out)
    assert sum(Decimal(row["amount"]) for row in rows) == 0
    shown = run(["export", "equity", "--format", "ndjson"], books).out.splitlines()
    last = json.loads(shown[-1])
    assert sum(Decimal(row["amount"]) for row in rows if row["book"] == "cash") == Decimal(last["cash"])
    assert Decimal(last["equity"]) == Decimal(last["cash"]) + Decimal(last["reserved"]) + Decimal(last["unrealized"])


def test_the_chain_of_the_exported_journal_can_be_recomputed(books: dict[str, str]) -> None:
    path = Path(books["PAPERTRADE_DB"])
    rows = [json.loads(line) for line in run(["export", "events", "--format", "ndjson"], books).out.splitlines()]
    store = opened(path)
    with store.read() as reader:
        lines = list(reader.each_event(RowFilter()))
    store.close()
    link = ""
    for row, line in zip(rows, lines, strict=True):
        cells = [line.seq, line.recorded_ms, line.wall_ms, line.effective_ms, row["run_id"], row["kind"]]
        cells += [row["account_id"], row["trade_id"], row["signal_id"]]
        cells += [json.dumps(row["body"], separators=(",", ":")), link]
        link = hashlib.sha256(json.dumps(cells, separators=(",", ":")).encode()).hexdigest()
        assert (row["hash"], row["seq"]) == (link, line.seq)


def test_signals_come_back_as_they_were(tmp_path: Path) -> None:
    wanted = [
        a_signal("-7"),
        a_signal("=cmd|' /C calc'!A0", reason=HOSTILE, tags=("@home", "'quoted"), source="@source"),
        a_signal("exits", exits=ExitWish(parse_level("-2%"), (parse_target("+4%"),)), side=Side.LONG),
        a_signal("short", side=Side.SHORT, entry_type=EntryType.STOP, entry_price=Decimal("0.00001234")),
        a_signal("sized", size=Size(SizeKind.RISK_PERCENT, Decimal("0.5")), expires_at_ms=START_MS + 1),
        a_signal("amount", size=Size(SizeKind.RISK_AMOUNT, Decimal(50)), confidence=Decimal("0.125")),
    ]

    def write(writer: Writer) -> None:
        founded(writer)
        for signal in wanted:
            stored_signal(writer, signal)

    books = stored(tmp_path, write)
    for form, name in (("csv", "a.csv"), ("json", "a.json"), ("ndjson", "a.ndjson")):
        text = run(["export", "signals", "--format", form], books).out
        assert back(text, name) == wanted


def back(text: str, name: str) -> list[Signal]:
    return list(read_signals(text, name, now_ms=NOW_MS, default_source="nobody"))


def test_no_text_cell_is_a_formula_and_no_number_is_a_text(tmp_path: Path) -> None:
    def write(writer: Writer) -> None:
        account = founded(writer)
        entered(writer, a_signal("=1", reason=HOSTILE, tags=("+tag",)))
        note = NoteAdded(note_id=writer.next_note_id(), account_id=account, text="\t=2", tags=("-x",))
        writer.record([Recorded(note, START_MS)])

    books = stored(tmp_path, write)
    trade = rows_of(run(["export", "trades"], books).out)[0]
    assert trade["external_id"] == "'=1"
    assert trade["tags"] == "'+tag"
    assert trade["reason"] == "'" + HOSTILE
    note = rows_of(run(["export", "notes"], books).out)[0]
    assert (note["text"], note["tags"]) == ("'\t=2", "'-x")
    losses = [row["amount"] for row in rows_of(run(["export", "ledger"], books).out) if row["amount"].startswith("-")]
    assert len(losses) == 2
    assert all(re.fullmatch(r"-[0-9.]+", amount) for amount in losses)


def test_a_terminal_gets_nothing_that_acts_on_it(tmp_path: Path) -> None:
    def write(writer: Writer) -> None:
        founded(writer)
        stored_signal(writer, a_signal("1", reason=HOSTILE))

    books = stored(tmp_path, write)
    shown = run(["export", "signals"], books, is_terminal=True).out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\u{1b}[2J\\u{202e}" in shown
    assert HOSTILE.replace('"', '""') in run(["export", "signals"], books).out


def test_bean_check_passes_and_finds_an_edited_number(books: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "books.beancount"
    done = run(["export", "ledger", "--format", "beancount", "--all-accounts", "-o", str(path)], books)
    assert (done.code, done.out) == (0, "")
    assert done.err.startswith(f"wrote the ledger to {path}\n")
    executable = Path(sys.executable).with_name("bean-check")
    checked = subprocess.run([executable, path], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    text = path.read_text(encoding="utf-8")
    assert len(re.findall(r"^\d{4}-\d\d-\d\d \* ", text, re.MULTILINE)) == 16
    edited = text.replace(" 10000.00000000 USDT", " 10000.00000001 USDT", 1)
    _, errors, _ = loader.load_string(edited)
    assert len(errors) > 0


def test_beancount_holds_one_account_unless_told_otherwise(books: dict[str, str]) -> None:
    text = run(["export", "ledger", "--format", "beancount", "--account", "second"], books).out
    assert "Papertrade:Second:Cash" in text
    assert "Main" not in text


def test_a_file_is_written_and_the_envelope_says_so(books: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    data = run(["export", "trades", "-o", str(path), "--json"], books).envelope["data"]
    assert data == {"what": "trades", "format": "csv", "file": str(path), "rows": 6}
    assert path.read_bytes().decode() == run(["export", "trades", "-o", "-"], books).out
    assert list(tmp_path.glob(".papertrade-*")) == []


def test_one_row_is_said_in_the_singular(books: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    done = run(["export", "trades", "--symbol", "ETHUSDT", "-o", str(path)], books)
    assert done.err.splitlines()[0] == f"wrote 1 row to {path}"


def test_live_trades_that_are_not_caught_up_are_named_on_stderr(books: dict[str, str]) -> None:
    assert run(["export", "trades"], books).err == (
        "live trades of 2 symbols were never caught up: papertrade watch --once\n"
    )
    assert run(["export", "trades", "-q"], books).err == ""


REFUSALS = [
    (["trades", "--format", "beancount"], "only the ledger has the format beancount, not `trades`"),
    (["ledger", "--exit", "stop_loss"], "`--exit` means nothing for `export ledger`"),
    (["events", "--all-accounts"], "`--all-accounts` means nothing for `export events`"),
    (
        ["ledger", "--format", "beancount", "--since", "7d"],
        "`--since` means nothing for `export ledger --format beancount`",
    ),
    (["trades", "--status", "CLOSD"], "--status `closd` is not known"),
]


@pytest.mark.parametrize(("words", "message"), REFUSALS)
def test_what_cannot_be_meant_is_refused(books: dict[str, str], words: list[str], message: str) -> None:
    done = run(["export", *words], books)
    assert (done.code, done.out) == (2, "")
    error, hint = done.err.splitlines()
    assert error == f"error: {message}"
    assert hint.startswith("hint: ")


def test_the_envelope_has_no_other_format(books: dict[str, str]) -> None:
    done = run(["export", "trades", "--json", "--format", "csv"], books)
    assert done.code == 2
    assert done.error["message"] == "`--json` prints one envelope, which has no other format"


def test_a_word_that_is_no_export_names_those_that_are(books: dict[str, str]) -> None:
    done = run(["export", "traids"], books)
    assert done.code == 2
    assert "trades" in done.err


def test_a_row_of_no_account_is_an_unusable_database(tmp_path: Path) -> None:
    books = stored(tmp_path)
    store = opened(Path(books["PAPERTRADE_DB"]))
    driver = store._driver()
    driver.execute("PRAGMA foreign_keys = OFF")
    driver.execute("DROP TRIGGER note_no_update")
    driver.execute("UPDATE note SET account_id = 99 WHERE id = 1")
    store.close()
    done = run(["export", "notes", "--all-accounts", "--json"], books)
    assert done.code == 12
    assert done.error["code"] == "database_unusable"


def test_an_event_whose_body_is_damaged_is_still_exported(tmp_path: Path) -> None:
    books = stored(tmp_path)
    store = opened(Path(books["PAPERTRADE_DB"]))
    driver = store._driver()
    driver.execute("DROP TRIGGER event_no_update")
    driver.execute("UPDATE event SET body = '{' WHERE seq = 1")
    store.close()
    assert json.loads(run(["export", "events", "--format", "json"], books).out)[0]["body"] == "{"


def test_a_long_export_is_collected_on_the_disk_and_a_disk_that_fails_is_named(
    books: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(["export", "events"], books).out
    monkeypatch.setattr(export, "_IN_MEMORY", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(["export", "events"], books).out == whole
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    done = run(["export", "events"], books)
    assert (done.code, done.out) == (12, "")
    assert done.err.startswith(f"error: `{tmp_path}/none` cannot be written: no such file or directory\n")


def test_f38_umask_and_links_are_respected(books: dict[str, str], tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("mine", encoding="utf-8")
    link.symlink_to(target)
    before = os.umask(0o027)
    try:
        assert run(["export", "notes", "-o", str(link), "--json"], books).error["code"] == "file_exists"
        assert run(["export", "notes", "-o", str(link), "--force"], books).code == 0
    finally:
        os.umask(before)
    assert target.read_text(encoding="utf-8") == "mine"
    assert not link.is_symlink()
    assert link.stat().st_mode & 0o777 == 0o640
