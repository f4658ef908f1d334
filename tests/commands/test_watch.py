"""`watch`, the loop and the single tick, through the command line against a venue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from papertrade.store.locks import WatchLock
from tests.commands.watching import Watched, tape, watched
from tests.runs.desk import break_trade
from tests.venue_faults import html, refuse

STOP_AT_3 = {3: "100 101 94 99"}
CREATED = "created {0}/books.db with account `main` (10000 USDT)\n"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path, tape(STOP_AT_3)) as made:
        yield made


# -- one tick ----------------------------------------------------------------------------------------------


def test_once_closes_what_was_touched_and_says_so_in_one_line(venue: Watched) -> None:
    venue.long()
    venue.pass_seconds(240)
    result = venue.run("watch", "--once")
    assert result.out == "#1 STOP long 1 AAAUSDT 100 -> 95, net -5.20 (-1.04R), free 9994.80 USDT\n"
    assert (result.code, result.err) == (0, "")


def test_once_without_news(venue: Watched) -> None:
    venue.long()
    result = venue.run("watch", "--once")
    assert (result.code, result.out, result.err) == (0, "", "checked 1 live trade of 1 symbol, nothing changed\n")
    result = venue.run("watch", "--once", "-q")
    assert (result.code, result.out, result.err) == (0, "", "")


def test_once_quietly_prints_news(venue: Watched) -> None:
    venue.long()
    venue.pass_seconds(240)
    result = venue.run("watch", "--once", "-q")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("#1 STOP ")


def test_once_without_live_trades_asks_nobody(venue: Watched) -> None:
    result = venue.run("watch", "--once")
    assert (result.code, result.out) == (0, "")
    assert result.err == CREATED.format(venue.folder) + "no live trades\n"
    assert venue.server.count() == 0


def test_once_as_one_envelope(venue: Watched) -> None:
    venue.long()
    venue.long("BBBUSDT", "--limit", "99", "--sl", "90")
    venue.pass_seconds(240)
    result = venue.run("watch", "--once", "--json")
    data = cast("dict[str, Json]", result.envelope["data"])
    (closed,) = cast("list[dict[str, Json]]", data.pop("closed_trades"))
    assert data == {
        "checked": 2,
        "filled": 0,
        "closed": 1,
        "failed": 0,
        "symbols": ["AAAUSDT", "BBBUSDT"],
        "failures": [],
    }
    assert (closed["id"], closed["status"], closed["exit_reason"]) == (1, "closed", "stop_loss")
    assert venue.data("watch", "--once")["closed"] == 0


def test_once_fills_an_order(tmp_path: Path) -> None:
    with watched(tmp_path, tape({2: "100 100 97 99"})) as venue:
        venue.long("AAAUSDT", "--limit", "98")
        venue.pass_seconds(180)
        assert venue.data("watch", "--once")["filled"] == 1
        assert venue.data("watch", "--once")["filled"] == 0


def test_once_beside_another_watch(venue: Watched) -> None:
    venue.long()
    lock = WatchLock.take(venue.database, "watch, pid 4711, since noon", venue.clock.pause)
    said = f"another watch already runs on `{venue.database}` (watch, pid 4711, since noon); nothing to do here\n"
    result = venue.run("watch", "--once")
    assert (result.code, result.out, result.err) == (0, "", said)
    result = venue.run("watch", "--once", "-q")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert venue.data("watch", "--once", "-q")["checked"] == 0
    result = venue.run("watch")
    assert (result.code, result.out) == (14, "")
    assert result.err.startswith(f"error: another watch already runs on `{venue.database}` (watch, pid 4711")
    assert venue.run("watch", "--json").error["code"] == "watch_running"
    lock.release()
    assert venue.run("watch", "--once").code == 0


def test_some_symbols_fail(venue: Watched) -> None:
    venue.long()
    venue.long("BBBUSDT")
    venue.server.always("klines", html(), symbol="BBBUSDT")
    venue.pass_seconds(60)
    envelope = venue.run("watch", "--once", "--json").envelope
    data = cast("dict[str, Json]", envelope["data"])
    (failure,) = cast("list[dict[str, Json]]", data["failures"])
    assert (data["checked"], data["failed"], failure["symbol"]) == (2, 1, "BBBUSDT")
    assert failure["code"] == "feed_bad_answer"
    assert cast("dict[str, Json]", envelope["error"])["code"] == "partial"
    venue.pass_seconds(180)
    result = venue.run("watch", "--once")
    assert result.out.startswith("#1 STOP ")
    assert "warning: BBBUSDT: " in result.err
    assert "error: 1 of 2 symbols could not be checked\nhint: papertrade status\n" in result.err
    assert result.code == 10


@pytest.mark.parametrize(("symbols", "code"), [(1, "feed_bad_answer"), (2, "feed")])
def test_all_symbols_fail(venue: Watched, symbols: int, code: str) -> None:
    for symbol in ("AAAUSDT", "BBBUSDT")[:symbols]:
        venue.long(symbol)
    venue.pass_seconds(60)
    venue.server.always("klines", html())
    result = venue.run("watch", "--once", "--json")
    assert (result.code, result.error["code"]) == (8, code)
    assert cast("dict[str, Json]", result.envelope["data"])["failed"] == symbols


@pytest.mark.parametrize(("symbols", "said"), [(1, "AAAUSDT is stale"), (2, "all 2 symbols are stale; AAAUSDT is")])
def test_f20_all_symbols_are_stale(venue: Watched, symbols: int, said: str) -> None:
    for symbol in ("AAAUSDT", "BBBUSDT")[:symbols]:
        venue.long(symbol, "--sl", "50")
    venue.pass_seconds(62 * 60)
    result = venue.run("watch", "--once", "--json")
    assert result.code == 9
    assert cast("str", result.error["message"]).startswith(said)
    assert cast("dict[str, Json]", result.envelope["data"])["failed"] == symbols


def test_a_failing_symbol_is_news_from_the_third_tick_on(venue: Watched) -> None:
    venue.long()
    venue.long("BBBUSDT")
    venue.pass_seconds(60)
    venue.server.always("klines", html(), symbol="BBBUSDT")
    for _ in range(2):
        result = venue.run("watch", "--once", "-q")
        assert (result.code, result.out, result.err) == (10, "", "")
    result = venue.run("watch", "--once", "-q")
    assert (result.code, result.out) == (10, "")
    assert result.err == "error: 1 of 2 symbols could not be checked\nhint: papertrade status\n"


def test_a_venue_that_cannot_be_asked(venue: Watched) -> None:
    venue.long()
    venue.server.always("time", refuse(503))
    for _ in range(2):
        result = venue.run("watch", "--once", "-q")
        assert (result.code, result.out, result.err) == (8, "", "")
    result = venue.run("watch", "--once", "-q")
    assert (result.code, result.err[:7]) == (8, "error: ")
    envelope = venue.run("watch", "--once", "--json").envelope
    data = cast("dict[str, Json]", envelope["data"])
    (failure,) = cast("list[dict[str, Json]]", data["failures"])
    assert (data["checked"], data["failed"], failure["symbol"]) == (0, 1, "AAAUSDT")
    assert failure["code"] == cast("dict[str, Json]", envelope["error"])["code"] == "feed_unavailable"
    venue.server.clear()
    assert venue.run("watch", "--once", "-q").code == 0
    venue.server.always("time", refuse(503))
    assert venue.run("watch", "--once", "-q").err == ""


def test_a_ban_is_obeyed_by_the_next_process(venue: Watched) -> None:
    venue.long()
    venue.server.plan("time", refuse(418, -1003, "banned", Retry_After="600"))
    assert venue.run("watch", "--once", "-q").code == 8
    asked = venue.server.count()
    result = venue.run("watch", "--once")
    assert (result.code, venue.server.count()) == (8, asked)
    assert "must not be asked until" in result.err
    venue.pass_seconds(601)
    assert venue.run("watch", "--once").code == 0


def test_what_a_forming_minute_touches_is_told(tmp_path: Path) -> None:
    with watched(tmp_path, tape({2: "94 99 94 99"})) as venue:
        venue.long()
        venue.pass_seconds(100)
        result = venue.run("watch", "--once")
        assert (result.code, result.out) == (0, "")
        assert result.err.startswith("#1 touched long 1 AAAUSDT stop loss 95, settles at 10:03\n")
        venue.pass_seconds(60)
        assert venue.run("watch", "--once").out.startswith("#1 STOP long 1 AAAUSDT 100 -> 94,")


# -- the loop ----------------------------------------------------------------------------------------------


def test_the_loop_tells_what_changes_and_nothing_else(venue: Watched) -> None:
    venue.long()
    result = venue.run("watch", "--for", "5m")
    assert result.out == "#1 STOP long 1 AAAUSDT 100 -> 95, net -5.20 (-1.04R), free 9994.80 USDT\n"
    assert result.err.splitlines() == [
        "watching 1 live trade; Ctrl-C or `papertrade stop` ends it",
        "#1 touched long 1 AAAUSDT stop loss 95, settles at 10:04",
        "watch ended (its time was over): 10 ticks, 0 skipped, 0 failed",
    ]
    assert result.code == 0


def test_the_loop_quietly(venue: Watched) -> None:
    venue.long()
    result = venue.run("watch", "--for", "5m", "-q")
    assert result.out.startswith("#1 STOP ")
    assert result.err == ""


def test_the_loop_tells_failures_and_recoveries(venue: Watched) -> None:
    venue.long()
    venue.server.plan("time", *[refuse(503)] * 3)
    result = venue.run("watch", "--for", "3m")
    assert result.err.splitlines() == [
        "watching 1 live trade; Ctrl-C or `papertrade stop` ends it",
        "warning: `binance` answered HTTP 503: refused; trying again at the next tick",
        "working again after 3 failed rounds",
        "watch ended (its time was over): 6 ticks, 0 skipped, 3 failed",
    ]


def test_the_loop_tells_of_a_symbol_that_fails(venue: Watched) -> None:
    venue.long()
    venue.server.plan("klines", html(), html())
    result = venue.run("watch", "--for", "2m", "--interval", "30")
    lines = result.err.splitlines()
    assert lines[1].startswith("warning: AAAUSDT: `binance` sent no JSON")
    assert lines[2] == "AAAUSDT: priced again"


def test_the_loop_as_events(venue: Watched) -> None:
    venue.long()
    venue.server.plan("time", refuse(503))
    events = venue.events("watch", "--for", "4m", "--interval", "60")
    assert [event["event"] for event in events] == [
        "watch_started",
        "feed_failed",
        "feed_recovered",
        "snapshot",
        "snapshot",
        "snapshot",
        "watch_ended",
    ]
    assert all(set(event) == {"event", "at", "data"} for event in events)
    started, failed, recovered, snapshot, *_, ended = (cast("dict[str, Json]", event["data"]) for event in events)
    assert (started["venue"], started["interval_seconds"], started["live"]) == ("binance", 60, 1)
    assert failed == {
        "symbol": None,
        "code": "feed_unavailable",
        "message": "`binance` answered HTTP 503: refused",
        "in_a_row": 1,
    }
    assert recovered == {"symbol": None, "failures": 1}
    assert snapshot == {
        "tick": 2,
        "skipped": 0,
        "checked": 1,
        "live": 1,
        "filled": 0,
        "closed": 0,
        "failed": 0,
        "prices": {"AAAUSDT": {"last": "100", "bid": "100", "ask": "100"}},
        "touched": [],
        "next_tick_at": "2026-11-20T10:02:30.000Z",
    }
    assert ended == {"reason": "its time was over", "ticks": 4, "skipped": 0, "failed_ticks": 1}


def test_trades_as_events(tmp_path: Path) -> None:
    with watched(tmp_path, tape({2: "100 100 97 99", 4: "99 112 99 111"})) as venue:
        words = ("--limit", "98", "--sl", "90", "--tp", "110:0.5", "--tp", "111:0.5", "--size", "1")
        assert venue.run("long", "AAAUSDT", *words).code == 0
        events = venue.events("watch", "--for", "6m", "--interval", "60")
        told = {str(event["event"]): cast("dict[str, Json]", event["data"]) for event in events}
        names = [event["event"] for event in events if event["event"] != "snapshot"]
        assert names == [
            "watch_started",
            "order_filled",
            "trade_opened",
            "trade_changed",
            "trade_closed",
            "watch_ended",
        ]
        filled = cast("dict[str, Json]", told["order_filled"]["fill"])
        assert (filled["price"], filled["quantity"], filled["liquidity"]) == ("98", "1", "maker")
        part, whole = (cast("dict[str, Json]", told[name]["trade"]) for name in ("trade_changed", "trade_closed"))
        assert (part["status"], part["open_quantity"]) == ("open", "0.5")
        assert (whole["status"], whole["open_quantity"]) == ("closed", "0")


def test_symbols_that_fail_as_events(venue: Watched) -> None:
    venue.long()
    venue.server.plan("klines", html())
    events = venue.events("watch", "--for", "4m", "--interval", "60")
    failed = [cast("dict[str, Json]", e["data"]) for e in events if e["event"] == "feed_failed"]
    recovered = [e["data"] for e in events if e["event"] == "feed_recovered"]
    assert [(f["symbol"], f["code"], f["in_a_row"]) for f in failed] == [("AAAUSDT", "feed_bad_answer", 1)]
    assert recovered == [{"symbol": "AAAUSDT", "failures": None}]


def test_a_terminal_has_a_status_line_that_gives_way_to_news(venue: Watched) -> None:
    venue.long()
    result = venue.run("watch", "--for", "5m", "--interval", "60", is_terminal=True)
    first = "10:00:30  1 live trade  AAAUSDT 100  next 10:01:30"
    assert f"ends it\n{first}\r\x1b[K10:01:30  1 live trade" in result.err
    assert result.err.endswith("\r\x1b[Kwatch ended (its time was over): 5 ticks, 0 skipped, 0 failed\n")
    assert "\x1b" not in result.out
    quiet = venue.run("watch", "--for", "1m", "-q", is_terminal=True)
    assert (quiet.out, quiet.err) == ("", "")


def test_a_pipe_gets_the_status_only_on_request(venue: Watched) -> None:
    venue.long()
    result = venue.run("watch", "--for", "1m", "-v")
    assert "10:00:30  1 live trade  AAAUSDT 100  next 10:01:00\n" in result.err


def test_the_status_line_names_what_fails(venue: Watched) -> None:
    venue.long()
    venue.server.plan("time", refuse(503))
    venue.server.plan("klines", html())
    result = venue.run("watch", "--for", "90s", "-v")
    assert "1 live trade  venue failing, 1 in a row  next" in result.err
    assert "1 live trade  AAAUSDT 100  1 symbol failing  next" in result.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--once", "--for", "1h"], "`--once` takes no `--interval` and no `--for`"),
        (["--once", "--interval", "5"], "`--once` takes no `--interval` and no `--for`"),
        (["--interval", "0"], "--interval `0` is not a number of seconds from 1 to 3600"),
        (["--interval", "3601"], "--interval `3601` is not a number of seconds from 1 to 3600"),
        (["--interval", "1e2"], "--interval `1e2` is not a number of seconds from 1 to 3600"),
        (["--for", "soon"], "--for `soon` is not a span of time"),
        (["--for", "0s"], "`--for 0` ends before it begins"),
    ],
)
def test_words_that_make_no_sense(venue: Watched, args: list[str], message: str) -> None:
    result = venue.run("watch", *args)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {message}\n")


def test_a_watch_delivers_what_other_commands_left_in_the_outbox(venue: Watched) -> None:
    out = venue.folder / "letters"
    venue.configure(
        "notify:\n  targets:\n  - name: file\n    type: command\n"
        f"    command: [sh, -c, 'cat >> {out}; echo >> {out}']\n"
    )
    venue.long()
    assert not out.exists()
    venue.pass_seconds(240)
    assert venue.run("watch", "--once", "-q").code == 0
    assert [line[:25] for line in out.read_text().splitlines()] == [
        '{"event": "trade_opened",',
        '{"event": "trade_closed",',
    ]


def test_a_failing_target_changes_nothing_but_a_warning(venue: Watched) -> None:
    venue.configure("notify:\n  targets:\n  - name: gone\n    type: command\n    command: [/no/such/program]\n")
    venue.long()
    result = venue.run("watch", "--for", "5m")
    assert result.code == 0
    assert result.out.startswith("#1 STOP ")
    warning = "warning: notification target `gone` failed: `/no/such/program` cannot be started"
    assert result.err.count(warning) == 1


def test_a_trade_that_cannot_be_decided_is_partial(venue: Watched) -> None:
    venue.long()
    venue.long("BBBUSDT")
    break_trade(venue.database, 1)
    venue.pass_seconds(240)
    result = venue.run("watch", "--once")
    assert (result.code, result.out) == (10, "")
    assert "warning: AAAUSDT: trade `1` cannot be decided: database" in result.err
    assert "error: 1 trade is set aside with an error\n" in result.err
    failures = cast("list[dict[str, Json]]", venue.data("watch", "--once")["failures"])
    assert [(failure["symbol"], failure["code"]) for failure in failures] == [("AAAUSDT", "trade_set_aside")]
