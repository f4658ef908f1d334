"""`log`: every kind of event as a sentence, its filters, and following it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.watching import Watched, tape, watched


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path, tape({2: "100 100 97 99", 4: "99 110.5 99 110"})) as made:
        yield made


def story(venue: Watched) -> None:
    """An order that fills, takes half at 110 and is closed by hand; a refusal, a note, a tag, a deposit."""
    words = ("--limit", "98", "--sl", "90", "--tp", "110:0.5", "--tp", "120:0.5", "--size", "1", "-q")
    assert venue.run("long", "AAAUSDT", *words).code == 0
    assert venue.run("long", "BBBUSDT", "--size", "1000", "-q").code == 6
    venue.pass_seconds(360)
    assert venue.run("watch", "--once", "-q").code == 0
    assert venue.run("modify", "1", "--sl", "95").code == 0
    assert venue.run("note", "1", "all is well").code == 0
    assert venue.run("tag", "1", "+dip").code == 0
    assert venue.run("close", "1", "-q").code == 0
    assert venue.run("account", "deposit", "500").code == 0
    assert venue.run("long", "BBBUSDT", "--limit", "90", "--size", "1", "-q").code == 0
    assert venue.run("cancel", "2").code == 0


def test_the_journal_as_sentences(venue: Watched) -> None:
    story(venue)
    result = venue.run("log")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "2026-11-20 10:00:30 UTC  account main created in USDT",
        "2026-11-20 10:00:30 UTC  +10000.00 deposited into main: opening balance",
        "2026-11-20 10:00:30 UTC  signal 1 (manual:1): long AAAUSDT limit 98",
        "2026-11-20 10:00:30 UTC  #1 wait long 1 AAAUSDT limit 98, 98.10 tied up",
        (
            "2026-11-20 10:00:30 UTC  refused long BBBUSDT "
            "short of cash: it needs `100100` USDT, `9901.902` is free, short by `90198.098`"
        ),
        (
            "2026-11-20 10:02:59 UTC  #1 open long 1 AAAUSDT at 98, stop 90, target 110 (50%), target 120 (50%), "
            "fee 0.098 (recorded 3m 30s later)"
        ),
        "2026-11-20 10:04:59 UTC  #1 TARGET long 0.5 AAAUSDT 98 -> 110, net +5.90, 0.5 left",
        "2026-11-20 10:06:30 UTC  #1 changed long 0.5 AAAUSDT stop 95, target 120 (50%)",
        "2026-11-20 10:06:30 UTC  note 1 on trade 1: all is well",
        "2026-11-20 10:06:30 UTC  #1 tagged long 1 AAAUSDT dip",
        "2026-11-20 10:06:30 UTC  #1 closed long 0.5 AAAUSDT 98 -> 100, net +0.901, whole trade +6.80 (+0.85R)",
        "2026-11-20 10:06:30 UTC  +500.00 deposited into main",
        "2026-11-20 10:06:30 UTC  signal 2 (manual:2): long BBBUSDT limit 90",
        "2026-11-20 10:06:30 UTC  #2 wait long 1 BBBUSDT limit 90, 90.09 tied up",
        "2026-11-20 10:06:30 UTC  #2 cancelled long 1 BBBUSDT cancelled by hand",
    ]


def test_other_sentences(venue: Watched) -> None:
    for words in (
        ("signal", "add", "AAAUSDT", "long", "--source", "mine", "--id", "7"),
        ("signal", "cancel", "mine:7"),
        ("note", "mine:7", "not now"),
        ("note", "AAAUSDT", "watch it"),
        ("note", "a quiet day"),
        ("account", "withdraw", "100"),
        ("account", "reset"),
    ):
        assert venue.run(*words).code == 0, words
    said = [line[25:] for line in venue.run("log").out.splitlines()][2:]
    assert said == [
        "signal 1 (mine:7): long AAAUSDT at the market",
        "signal 1 cancelled",
        "note 1 on signal 1: not now",
        "note 2 on AAAUSDT: watch it",
        "note 3: a quiet day",
        "-100.00 withdrawn from main",
        "-9900.00 withdrawn from main: reset",
        "account main was reset, epoch 2 begins",
        "+10000.00 deposited into main: opening balance",
    ]


def test_as_a_list(venue: Watched) -> None:
    venue.long()
    data = venue.data("log", "--limit", "1")
    assert data["total"] == 4
    (item,) = cast("list[dict[str, Json]]", data["items"])
    assert item.pop("run") is not None
    assert item == {
        "seq": 4,
        "kind": "entry_filled",
        "at": "2026-11-20T10:00:30.000Z",
        "recorded_at": "2026-11-20T10:00:30.000Z",
        "account": "main",
        "trade_id": 1,
        "signal_id": 1,
        "text": "#1 open long 1 AAAUSDT at 100, stop 95, target 110, fee 0.10",
    }


def test_as_csv(venue: Watched) -> None:
    venue.long()
    lines = venue.run("log", "--csv", "--limit", "2").out.split("\r\n")
    assert lines[0] == "seq,kind,at,recorded_at,account,trade_id,signal_id,run,text"
    assert lines[1].startswith("3,signal_added,2026-11-20T10:00:30.000Z,2026-11-20T10:00:30.000Z,,,1,")
    assert lines[2].endswith(',"#1 open long 1 AAAUSDT at 100, stop 95, target 110, fee 0.10"')


def test_filters(venue: Watched) -> None:
    venue.long()
    venue.pass_seconds(3600)
    venue.run("account", "deposit", "5")
    assert venue.run("log", "--since", "10m").out == "2026-11-20 11:00:30 UTC  +5.00 deposited into main\n"
    assert len(venue.run("log", "--until", "10m").out.splitlines()) == 4
    limited = venue.run("log", "--limit", "1").out.splitlines()
    assert limited[1] == "the newest 1 of 5; --limit 0 shows all"
    assert len(venue.run("log", "--limit", "0").out.splitlines()) == 5
    venue.pass_seconds(1)
    assert venue.run("log", "--since", "now").out == "nothing was recorded\n"


def test_only_one_account(venue: Watched) -> None:
    venue.run("account", "create", "second")
    assert len(venue.run("log").out.splitlines()) == 4
    assert len(venue.run("log", "--account", "second").out.splitlines()) == 2


def test_it_never_asks_the_venue_and_says_what_is_not_caught_up(venue: Watched) -> None:
    venue.long()
    venue.server.clear()
    venue.pass_seconds(3600)
    assert "papertrade watch --once" in venue.run("log").err
    assert venue.run("log", "-q").err == ""
    assert venue.server.count() == 0


@pytest.mark.parametrize("word", ["--csv", "--until"])
def test_following_has_no_end(venue: Watched, word: str) -> None:
    result = venue.run("log", "--follow", word, *(["now"] if word == "--until" else []))
    assert (result.code, result.err) == (2, "error: `--follow` has no end, so it takes no --csv and no --until\n")


@pytest.mark.parametrize("is_json", [False, True])
def test_following(venue: Watched, is_json: bool) -> None:
    venue.run("account", "list")
    process = venue.process("log", "--follow", *(["--json"] if is_json else []))
    assert process.stdout is not None
    first = [process.stdout.readline() for _ in range(2)]
    venue.run("account", "deposit", "5")
    third = process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate(timeout=20)
    assert (process.returncode, rest, err) == (0, "", "")
    if is_json:
        events = [json.loads(line) for line in (*first, third)]
        assert [event["event"] for event in events] == ["account_created", "cash_moved", "cash_moved"]
        assert events[2]["data"]["text"] == "+5.00 deposited into main"
    else:
        assert first[0].endswith("account main created in USDT\n")
        assert third.endswith("+5.00 deposited into main\n")


@pytest.mark.parametrize(("more", "lines"), [((), 4), (("--json",), 4), (("--limit", "1"), 3)])
def test_following_until_a_signal(venue: Watched, more: tuple[str, ...], lines: int) -> None:
    venue.run("account", "list")
    asked = iter(range(3))

    def elsewhere() -> None:
        if next(asked) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            venue.clock.on_pause = lambda: None
            venue.run("account", "deposit", "5")
            venue.clock.on_pause = elsewhere

    venue.clock.on_pause = elsewhere
    result = venue.run("log", "--follow", *more)
    assert (result.code, len(result.out.splitlines())) == (0, lines)
