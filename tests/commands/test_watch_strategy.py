"""`watch --strategy`: each final candle once, its signals stored and opened, and no stop held up by it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from papertrade.engine.market import MINUTE_MS
from papertrade.errors import Json
from papertrade.runs.strategy import load_strategy
from papertrade.runs.strategy_drive import signals_of
from papertrade.store.locks import WatchLock
from tests.cli import NOW_MS
from tests.commands.watching import Watched, minutes_ms, tape, watched
from tests.examples.test_strategies import MA_CROSS
from tests.runs.strategies import closes, write
from tests.venue_faults import html, refuse

DIPS = """
    WARMUP = 3
    def strategy(candles):
        if candles.close[-1] < candles.close[-2]:
            return candles.signal("long", stop="10%", take_profit="10%", size=1, reason=f"{len(candles)} candles")
"""
EVERY = """
    def strategy(candles):
        return candles.signal("long", size=1, reason=f"{len(candles)} {candles.time[-1]}")
"""


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    """At 10:00:30; AAAUSDT falls to 99 in minute 2, to 98 in minute 5, and stays there for a while."""
    falls = {2: "100 100 99 99", 3: "99 99 99 99", 4: "99 99 99 99"}
    with watched(
        tmp_path, tape({**falls, **{n: "99 99 98 98" if n == 5 else "98 98 98 98" for n in range(5, 60)}})
    ) as made:
        yield made


def once(venue: Watched, file: str, *more: str) -> dict[str, Json]:
    return venue.data("watch", "--once", "--strategy", file, "--symbol", "AAAUSDT", *more)


def listed(venue: Watched, what: str) -> list[dict[str, Json]]:
    return cast("list[dict[str, Json]]", venue.data(*what.split(), "-q")["items"])


def test_a_signal_is_stored_and_opened_at_the_price_of_the_moment(venue: Watched) -> None:
    file = write(venue.folder, DIPS)
    assert once(venue, file)["opened_trades"] == []
    venue.pass_seconds(180)
    (opened,) = cast("list[dict[str, Json]]", once(venue, file)["opened_trades"])
    assert (opened["status"], opened["symbol"], opened["entry_price"], opened["quantity"]) == (
        "open",
        "AAAUSDT",
        "99",
        "1",
    )
    signal = cast("dict[str, Json]", opened["signal"])
    assert (signal["source"], signal["external_id"]) == ("idea", "AAAUSDT-20261120T100300Z")
    (stored,) = listed(venue, "signal list")
    assert (stored["status"], stored["made_at"], stored["reason"]) == ("live", "2026-11-20T10:03:00.000Z", "3 candles")
    assert once(venue, file)["opened_trades"] == []
    assert len(listed(venue, "trades")) == 1


def test_the_line_of_an_opened_trade_is_news(venue: Watched) -> None:
    file = write(venue.folder, DIPS)
    venue.pass_seconds(150)
    result = venue.run("watch", "--once", "-q", "--strategy", file, "--symbol", "AAA/USDT")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("#1 open long 1 AAAUSDT at 99, stop 89.1, target 108.9, ")


@pytest.mark.parametrize("polls", [[30] * 20, [60] * 10, [300, 300], [90, 210, 30, 270]])
def test_each_final_candle_is_given_once_however_it_is_polled(venue: Watched, polls: list[int]) -> None:
    file = write(venue.folder, EVERY)
    once(venue, file)
    for seconds in polls:
        venue.pass_seconds(seconds)
        once(venue, file)
    stored = listed(venue, "signal list --limit 0")
    # From the newest final candle at the start (09:59) to the one that ended at 10:10, each with the past of a watch.
    opens = [NOW_MS + n * MINUTE_MS for n in range(9, -2, -1)]
    assert [signal["reason"] for signal in stored] == [f"{_past(n)} {at}" for n, at in enumerate(opens)]


def _past(number: int) -> int:
    """How many candles there are: the tape begins two hours before 10:00."""
    return 120 + 10 - number


def test_the_loop_gives_the_same_as_cron(venue: Watched) -> None:
    file = write(venue.folder, EVERY)
    result = venue.run("watch", "--strategy", file, "--symbol", "AAAUSDT", "--for", "10m")
    assert result.code == 0
    assert "strategy `idea.py:strategy` follows AAAUSDT as source `idea`\n" in result.err
    stored = listed(venue, "signal list --limit 0")
    assert [signal["reason"] for signal in stored] == [f"{_past(n)} {NOW_MS + (9 - n) * MINUTE_MS}" for n in range(11)]
    assert result.out.count(" open long ") == 11
    assert venue.server.count("klines", symbol="AAAUSDT") > 0


def test_what_was_missed_while_asleep_is_stored_and_refused_as_stale(venue: Watched) -> None:
    file = write(venue.folder, DIPS)
    once(venue, file)
    venue.pass_seconds(360)  # the fall of minute 2 is 3.5 minutes old, that of minute 5 half a minute
    data = once(venue, file)
    (refused,) = cast("list[dict[str, Json]]", data["refused"])
    assert (refused["code"], refused["signal"]) == ("stale_signal", "idea:AAAUSDT-20261120T100300Z")
    assert refused["message"] == (
        "signal `idea:AAAUSDT-20261120T100300Z` is 210 s old, more than 90 s: the price has moved on"
    )
    (opened,) = cast("list[dict[str, Json]]", data["opened_trades"])
    assert cast("dict[str, Json]", opened["signal"])["external_id"] == "AAAUSDT-20261120T100600Z"
    assert [signal["status"] for signal in listed(venue, "signal list")] == ["live", "new"]
    assert once(venue, file)["refused"] == []


def test_signals_that_were_there_before_are_left_alone(venue: Watched) -> None:
    venue.run("signal", "add", "AAAUSDT", "long", "--source", "idea", "--id", "old")
    file = write(venue.folder, DIPS)
    data = once(venue, file)
    assert (data["opened_trades"], data["refused"]) == ([], [])


def test_a_strategy_that_fails_ends_and_the_stops_go_on(venue: Watched) -> None:
    text = """
        def strategy(candles):
            if candles.now_ms > %d:
                raise ZeroDivisionError("no")
            return candles.signal("short", size=1, stop="50%%") if candles.now_ms == %d else None
    """
    file = write(venue.folder, text % (minutes_ms(2), minutes_ms(2)))
    venue.run("long", "AAAUSDT", "--sl", "98.5", "--size", "1")
    events = venue.events("watch", "--strategy", file, "--symbol", "AAAUSDT", "--for", "7m")
    names = [event["event"] for event in events if event["event"] != "snapshot"]
    assert names == ["watch_started", "trade_opened", "refused", "trade_closed", "watch_ended"]
    refused = next(cast("dict[str, Json]", event["data"]) for event in events if event["event"] == "refused")
    assert refused == {
        "kind": "strategy_failed",
        "trade": None,
        "code": "strategy_failed",
        "message": "strategy `idea.py` failed at idea.py line 4, on the candle of AAAUSDT that ends "
        "2026-11-20T10:03:00.000Z: ZeroDivisionError: no",
    }


def test_a_failure_is_a_warning_for_people(venue: Watched) -> None:
    file = write(venue.folder, "def strategy(candles):\n    return 1\n")
    result = venue.run("watch", "-q", "--strategy", file, "--symbol", "AAAUSDT", "--for", "2m")
    assert (result.code, result.out) == (0, "")
    assert result.err == (
        "warning: strategy `idea.py`, on the candle of AAAUSDT that ends 2026-11-20T10:00:00.000Z, returned an int, "
        "expected signals or None; it makes no more signals, stops and targets are watched on\n"
    )


def test_once_with_a_strategy_that_fails_is_partial_and_tries_again(venue: Watched) -> None:
    venue.long()
    file = write(venue.folder, "def strategy(candles):\n    candles.oops\n")
    result = venue.run("watch", "--once", "-q", "--strategy", file, "--symbol", "AAAUSDT")
    assert (result.code, result.out) == (10, "")
    assert result.err.startswith(
        "error: strategy `idea.py` failed at idea.py line 2, on the candle of AAAUSDT that ends"
    )
    envelope = venue.run("watch", "--once", "--strategy", file, "--symbol", "AAAUSDT", "--json").envelope
    data = cast("dict[str, Json]", envelope["data"])
    (failure,) = cast("list[dict[str, Json]]", data["failures"])
    assert (data["checked"], failure["symbol"], failure["code"]) == (1, None, "strategy_failed")
    venue.pass_seconds(120)
    mended = write(venue.folder, EVERY)
    once(venue, mended)
    stored = listed(venue, "signal list --source idea")
    assert len(stored) == 3  # the candle it failed on, and those since


def test_a_file_that_cannot_be_loaded(venue: Watched) -> None:
    venue.long()
    file = write(venue.folder, "def strategy(\n")
    result = venue.run("watch", "--strategy", file, "--symbol", "AAAUSDT")
    assert (result.code, result.err) == (
        4,
        f"error: strategy `{file}` is not Python: idea.py line 1: '(' was never closed\n",
    )
    venue.pass_seconds(360)
    envelope = venue.run("watch", "--once", "--strategy", file, "--symbol", "AAAUSDT", "--json").envelope
    assert cast("dict[str, Json]", envelope["data"])["checked"] == 1  # the stops were looked at all the same
    assert cast("dict[str, Json]", envelope["error"])["code"] == "partial"


def test_the_whole_way_to_a_failure_is_shown_on_request(venue: Watched) -> None:
    file = write(venue.folder, "def deep():\n    return 1 / 0\nLEVEL = deep()\ndef strategy(candles): pass\n")
    result = venue.run("watch", "-v", "--strategy", file, "--symbol", "AAAUSDT")
    assert result.code == 4
    assert "Traceback (most recent call last)" in result.err
    assert f'File "{file}", line 2, in deep' in result.err
    assert "failed at idea.py line 2, loading it: ZeroDivisionError: division by zero" in result.err
    assert "Traceback" not in venue.run("watch", "--strategy", file, "--symbol", "AAAUSDT").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--strategy", "a.py"], "error: `--strategy` needs a symbol to follow\n"),
        (["--symbol", "AAAUSDT"], "error: `--symbol` says what a strategy follows\n"),
        (["--strategy", "a.py", "--symbol", "?"], "error: `?` is not a symbol\n"),
    ],
)
def test_usage(venue: Watched, words: list[str], said: str) -> None:
    result = venue.run("watch", *words)
    assert result.code == 2
    assert result.err.startswith(said)


def test_a_symbol_that_the_venue_does_not_know(venue: Watched) -> None:
    file = write(venue.folder, DIPS)
    result = venue.run("watch", "--strategy", file, "--symbol", "NOSUCH")
    assert result.code == 8
    assert venue.run("watch", "--strategy", file, "--symbol", "NOSUCH", "--json").error["code"] == "unknown_symbol"


def test_too_long_a_warmup_for_a_watch(venue: Watched) -> None:
    file = write(venue.folder, "WARMUP = 1001\n" + "def strategy(candles): pass\n")
    result = venue.run("watch", "--strategy", file, "--symbol", "AAAUSDT")
    assert result.code == 4
    assert result.err.endswith(
        "hint: let the strategy need less of the past, or watch longer candles (`watch.candle`)\n"
    )
    assert (f"error: WARMUP of `{file}` is 1001: a watch gives at most 1000 candles\n") in result.err


def test_a_strategy_that_is_not_there_says_what_to_do(venue: Watched) -> None:
    result = venue.run("watch", "--once", "-q", "--strategy", str(venue.folder / "none.py"), "--symbol", "AAAUSDT")
    assert (result.code, result.err) == (
        10,
        f"error: strategy `{venue.folder}/none.py` cannot be read: no such file or directory\n"
        "hint: name a Python file, with `:name` behind it if it has several functions\n",
    )


def test_a_symbol_that_fails_is_told_and_hides_no_other(venue: Watched) -> None:
    file = write(venue.folder, EVERY)
    venue.server.always("klines", html(), symbol="BBBUSDT")
    data = once(venue, file, "--symbol", "BBBUSDT")
    (failure,) = cast("list[dict[str, Json]]", data["failures"])
    assert (failure["symbol"], failure["code"], data["failed"]) == ("BBBUSDT", "feed_bad_answer", 1)
    assert len(cast("list[Json]", data["opened_trades"])) == 1
    words = ("watch", "--once", "-q", "--strategy", file, "--symbol", "AAAUSDT", "--symbol", "BBBUSDT")
    assert venue.run(*words).err == ""
    result = venue.run(*words)  # the third time in a row is news
    assert (result.code, result.err) == (
        10,
        "error: 1 of 2 symbols could not be checked\nhint: papertrade status\n",
    )
    venue.server.clear()
    venue.pass_seconds(60)
    assert venue.run(*words).code == 0
    venue.server.always("klines", html(), symbol="BBBUSDT")
    venue.pass_seconds(60)
    assert venue.run(*words).err == ""  # the first time in a row again


def test_a_venue_that_is_away_loses_no_candle(venue: Watched) -> None:
    file = write(venue.folder, EVERY)
    once(venue, file)
    venue.server.always("time", refuse(503))
    venue.pass_seconds(60)
    result = venue.run("watch", "--once", "--strategy", file, "--symbol", "AAAUSDT")
    assert result.code == 8
    venue.server.clear()
    venue.pass_seconds(20)
    once(venue, file)
    assert len(listed(venue, "signal list")) == 2


def test_several_accounts_take_the_same_signals(venue: Watched) -> None:
    file = write(venue.folder, EVERY)
    once(venue, file)
    venue.run("account", "create", "second", "--cash", "1000")
    data = once(venue, file, "--account", "second")
    assert data["opened_trades"] == []
    venue.pass_seconds(60)
    (opened,) = cast("list[dict[str, Json]]", once(venue, file, "--account", "second")["opened_trades"])
    assert opened["account"] == "second"


def test_a_signal_whose_price_cannot_be_had_waits_until_it_is_too_old(venue: Watched) -> None:
    file = write(venue.folder, DIPS)
    venue.pass_seconds(150)
    venue.server.always("ticker/price", html())
    venue.server.always("ticker/bookTicker", html())
    data = once(venue, file)
    assert (data["opened_trades"], data["refused"]) == ([], [])
    assert [signal["status"] for signal in listed(venue, "signal list")] == ["new"]
    venue.server.clear()
    venue.pass_seconds(20)
    (opened,) = cast("list[dict[str, Json]]", once(venue, file)["opened_trades"])
    assert opened["entry_price"] == "99"
    assert once(venue, file)["opened_trades"] == []


def test_an_id_that_stands_for_another_idea_is_refused(venue: Watched) -> None:
    file = write(venue.folder, DIPS)
    venue.run("signal", "add", "AAAUSDT", "short", "--source", "idea", "--id", "AAAUSDT-20261120T100300Z")
    venue.pass_seconds(150)
    data = once(venue, file)
    (refused,) = cast("list[dict[str, Json]]", data["refused"])
    assert (refused["code"], data["opened_trades"]) == ("signal_differs", [])


def test_a_candle_that_is_given_again_adds_nothing(venue: Watched) -> None:
    file = write(venue.folder, DIPS)
    venue.pass_seconds(150)
    assert len(cast("list[Json]", once(venue, file)["opened_trades"])) == 1
    with sqlite3.connect(venue.database) as raw:
        raw.execute("DELETE FROM cursor WHERE name LIKE 'strategy:%:AAAUSDT:%'")
    raw.close()
    data = once(venue, file)
    assert (data["opened_trades"], data["refused"]) == ([], [])
    assert len(listed(venue, "signal list")) == 1


def test_a_refusal_by_the_engine_is_told_once(venue: Watched) -> None:
    text = """
        def strategy(candles):
            return candles.signal("long", notional=50_000) if candles.now_ms == %d else None
    """
    file = write(venue.folder, text % minutes_ms(0))
    (refused,) = cast("list[dict[str, Json]]", once(venue, file)["refused"])
    assert refused["code"] == "insufficient_funds"
    assert once(venue, file)["refused"] == []


def test_beside_another_watch_the_strategy_is_not_run(venue: Watched) -> None:
    file = write(venue.folder, EVERY)
    venue.long()
    lock = WatchLock.take(venue.database, "watch", venue.clock.pause)
    assert once(venue, file)["opened_trades"] == []
    lock.release()
    assert [signal["source"] for signal in listed(venue, "signal list")] == ["manual"]


def test_the_loop_follows_several_symbols_each_once(tmp_path: Path) -> None:
    file = write(tmp_path, EVERY)
    with watched(tmp_path, tape({})) as venue:
        words = ("--strategy", file, "--symbol", "AAAUSDT", "--symbol", "BBBUSDT", "--symbol", "aaausdt")
        result = venue.run("watch", *words, "--for", "5m")
        assert result.code == 0
        symbols = [signal["symbol"] for signal in listed(venue, "signal list")]
        assert symbols == ["BBBUSDT", "AAAUSDT"] * 6
        assert result.out.count(" open long 1 ") == 12


def test_a_price_that_comes_back_in_the_loop(venue: Watched) -> None:
    file = write(venue.folder, DIPS)
    venue.server.always("ticker/price", html())
    venue.server.always("ticker/bookTicker", html())
    venue.clock.on_pause = lambda: venue.server.clear() if venue.clock.at_ms >= minutes_ms(4) else None
    result = venue.run("watch", "--strategy", file, "--symbol", "AAAUSDT", "--for", "4m")
    assert result.out.startswith("#1 open long 1 AAAUSDT at 99, ")
    (stored,) = listed(venue, "signal list")
    assert (stored["made_at"], stored["status"]) == ("2026-11-20T10:03:00.000Z", "live")


def test_a_venue_that_is_away_while_no_trade_lives_is_counted_and_forgotten(venue: Watched) -> None:
    file = write(venue.folder, "def strategy(candles): pass\n")
    venue.server.always("time", refuse(503))
    venue.server.always("exchangeInfo", refuse(503))
    words = ("watch", "--once", "-q", "--strategy", file, "--symbol", "AAAUSDT")
    results = [venue.run(*words) for _ in range(3)]
    assert [result.code for result in results] == [8, 8, 8]
    assert [result.err != "" for result in results] == [False, False, True]
    venue.server.clear()
    assert venue.run(*words).code == 0
    venue.server.always("time", refuse(503))
    venue.pass_seconds(60)
    assert venue.run(*words).err == ""  # the first failure in a row again


def test_a_loop_that_begins_while_the_venue_is_away(venue: Watched) -> None:
    file = write(venue.folder, EVERY)
    venue.server.always("time", refuse(503))
    venue.server.always("exchangeInfo", refuse(503))
    venue.clock.on_pause = lambda: venue.server.clear() if venue.clock.at_ms >= minutes_ms(2) else None
    result = venue.run("watch", "--strategy", file, "--symbol", "AAAUSDT", "--for", "4m")
    assert "working again after 3 failed rounds\n" in result.err
    assert result.out.count(" open long ") == 3


def test_a_watch_makes_the_signals_of_a_backtest(tmp_path: Path) -> None:
    steps = np.random.default_rng(5).integers(-30, 31, 180)
    series = closes((10_000 + np.cumsum(steps)).tolist(), start_ms=minutes_ms(-120))
    expected = [s for s in signals_of(load_strategy(MA_CROSS), {"AAAUSDT": series}) if s.made_at_ms >= NOW_MS]
    with watched(tmp_path, list(series)) as venue:
        result = venue.run("watch", "--strategy", MA_CROSS, "--symbol", "AAAUSDT", "--for", "50m")
        assert result.code == 0
        found = [(signal["external_id"], signal["side"]) for signal in listed(venue, "signal list --limit 0")]
    until = [s for s in expected if s.made_at_ms <= minutes_ms(50)]
    assert found[::-1] == [(s.external_id, s.side) for s in until]
    assert len(until) >= 2
