"""The board: what it shows, when it asks the venue, what happens when that fails, and what is news."""

from __future__ import annotations

import os

from papertrade.engine.market import MINUTE_MS
from papertrade.store.locks import WatchLock
from papertrade.store.rows import Run
from tests.commands.days import Days, signal
from tests.venue_faults import Fault

HEAD = """\
main  2026-11-20 10:00 UTC
  equity   10009.32 USDT  free 9615.55, tied up 389.30, unrealised +4.48
  today    -0.01, closed trades 0.00 (days in UTC)
  at risk  10.59 (0.11%) if every stop filled now, costs included
  watch    not running: stops are noticed only when something catches up
  prices   0s old
"""
NEWS = """
So far
  11-18 10:00  #1 open long 1 BTCUSDT at 100.01, stop 95, target 110, fee 0.10
  11-18 11:00  #1 TARGET long 1 BTCUSDT 100.01 -> 110, net +9.78 (+1.95R)
  11-18 12:00  #2 open short 20 ETHUSDT at 9.99, stop 10.5, target 9, fee 0.1998
  11-18 13:20  #2 STOP short 20 ETHUSDT 9.99 -> 10.5, net -10.61 (-1.04R), ambiguous
  11-19 12:00  #3 open long 2 BTCUSDT at 104.01, stop 98, target 110 (50%), target 120 (50%), fee
               0.208
  11-19 12:00  #4 wait long 30 ETHUSDT limit 9.5, 285.28 tied up
  11-19 14:20  #3 TARGET long 1 BTCUSDT 104.01 -> 110, net +5.78, 1 left
"""
LIVE = """
#  Side  Quantity  Symbol    Entry    Mark     P/L      R  To stop  To target  Age
----------------------------------------------------------------------------------
3  long         1  BTCUSDT  104.01  108.49  +10.15  +0.84   -9.67%    +10.61%  22h

#  Side  Quantity  Symbol   Waits for  Price    Away  Tied up  Age  Until
-------------------------------------------------------------------------
4  long        30  ETHUSDT  limit 9.5   9.71  -2.16%   285.28  22h  -
"""


def test_the_board(days: Days) -> None:
    result = days.run()
    assert (result.out, result.err, result.code) == (HEAD + NEWS + LIVE, "", 0)
    assert days.run("board").out == HEAD + LIVE
    assert days.run("--offline").out == HEAD + LIVE


def test_it_catches_up_and_tells_what_happened_since_the_last_look(days: Days) -> None:
    days.run()
    days.close(3)
    days.pass_minutes(30)
    lines = days.run().out.splitlines()
    place = lines.index("Since you last looked")
    assert lines[place + 1] == (
        "  11-20 10:00  #3 closed long 1 BTCUSDT 104.01 -> 108.49, net +4.27, whole trade +10.04 (+0.84R)"
    )
    assert "  prices   0s old" not in lines
    assert days.server.count("klines") > 0
    assert "Since you last looked" not in days.run().out


def test_json_shows_the_news_and_leaves_them_unseen(days: Days) -> None:
    data = days.run("--json").envelope["data"]
    assert isinstance(data, dict)
    news, live, prices, watch = data["news"], data["live"], data["prices"], data["watch"]
    assert isinstance(news, dict)
    assert isinstance(live, dict)
    assert isinstance(watch, dict)
    assert news["total"] == 7
    assert news["items"][1] == {
        "seq": 5,
        "at": "2026-11-18T11:00:59.999Z",
        "kind": "exit_filled",
        "trade_id": 1,
        "text": "#1 TARGET long 1 BTCUSDT 100.01 -> 110, net +9.78 (+1.95R)",
    }
    assert [trade["id"] for trade in live["items"]] == [3, 4]
    assert prices == {"caught_up": True, "age_seconds": 0, "caught_up_to": None, "reason": None}
    assert watch["running"] is False
    assert data["summary"]["total_portfolio_value"] == "10009.32217"
    assert "So far" in days.run().out


def test_a_long_absence_shows_the_newest_and_counts_the_rest(days: Days) -> None:
    for number in range(6, 16):
        days.open(signal(str(number), "ETHUSDT", size="2"))
    lines = days.run().out.splitlines()
    place = lines.index("So far")
    assert lines[place + 1] == "  9 earlier: papertrade log"
    assert lines[place + 2].startswith("  11-20 10:00  #7 open")
    assert lines[place + 9].startswith("  11-20 10:00  #14 open")


def test_without_the_venue_it_shows_stored_marks_with_their_age_and_why(days: Days) -> None:
    days.pass_minutes(90)
    days.server.always("*", Fault(status=503))
    result = days.run()
    assert result.code == 0
    line = next(line for line in result.out.splitlines() if line.startswith("  prices"))
    assert line.startswith("  prices   1h old; live trades of 2 symbols were last caught up 1h ago (2026-11-20 10:00")
    assert "binance" in result.out
    data = days.run("--json").envelope["data"]
    assert isinstance(data, dict)
    prices = data["prices"]
    assert isinstance(prices, dict)
    assert (prices["caught_up"], prices["age_seconds"]) == (False, 5400)
    assert prices["caught_up_to"] == "2026-11-20T10:00:00.000Z"
    assert prices["reason"] is not None
    days.server.clear()
    offline = days.run("--offline").out
    assert "  prices   1h old; live trades of 2 symbols" in offline
    assert days.server.count() == 0


def test_a_slow_venue_holds_the_board_up_for_two_seconds_at_most(days: Days) -> None:
    days.pass_minutes(5)
    days.server.always("klines", Fault(delay_seconds=30))
    result = days.run()
    assert result.code == 0
    assert "within 2 s" in result.out.replace("\n           ", " ")


def test_a_new_user_gets_first_steps(first_day: Days) -> None:
    result = first_day.run()
    assert result.out == (
        "main  2026-11-18 10:00 UTC\n"
        "  equity   10000.00 USDT  free 10000.00, tied up 0.00, unrealised 0.00\n"
        "  today    0.00, closed trades 0.00 (days in UTC)\n"
        "  at risk  nothing: no trade is open\n"
        "  watch    not running\n"
        "\n"
        "Nothing traded yet. To begin:\n"
        "  papertrade long BTCUSDT --sl 2% --tp 2R    a trade on the spot, stop and target included\n"
        "  papertrade signal import ideas.csv --open  a file of ideas, traded\n"
        "  papertrade watch                           follow the market until Ctrl-C\n"
        "  papertrade demo                            all of it on a recorded market\n"
    )
    assert result.err.startswith("created ")
    assert first_day.server.count() == 0


def test_nothing_live_any_more(first_day: Days) -> None:
    first_day.open(signal("1"))
    first_day.close(1)
    assert first_day.run().out.splitlines()[-1] == "no live trades; papertrade trades shows the past ones"


def test_what_needs_attention_is_marked(first_day: Days) -> None:
    days = first_day
    days.open(signal("1", size="2"))
    days.run("long", "ETHUSDT", "--sl", "9", "--size", "3", "--no-catch-up")
    lines = days.run("--offline").out.splitlines()
    assert "  at risk  3.00 (0.03%) if every stop filled now, costs included; 1 open trade has no stop" in lines
    assert next(line for line in lines if line.startswith("1  long")).rstrip().endswith("no stop          -   0s")
    assert next(line for line in lines if line.startswith("2  long")).endswith("unverified")


def test_the_state_of_the_watch(days: Days) -> None:
    with days.desk() as desk:
        store = desk.books.store
        now = days.at_ms
        run = Run(id="r1", kind="watch", pid=os.getpid(), started_ms=now - MINUTE_MS)
        store.write(lambda writer: writer.start_run(run))
        assert "  watch    not running, the last one was killed: stops" in days.run("--offline").out
        store.write(lambda writer: writer.tick_run("r1", last_tick_ms=now - 12_000, next_tick_ms=now + 18_000))
        lock = WatchLock.take(store.path, "watch r1", lambda seconds: None)
        assert "  watch    running, last tick 12s ago, next in 18s\n" in days.run("--offline").out
        lock.release()
        store.write(lambda writer: writer.end_run("r1", now - 5 * MINUTE_MS, "stopped"))
        assert "  watch    not running, ended 5m ago: stops" in days.run("--offline").out
    days.run("watch", "--once", "-q")
    days.pass_minutes(2)
    assert "not running, ended 7m ago; one tick 2m ago: stops" in days.run("--offline").out


def test_a_database_that_cannot_be_written_can_still_be_looked_at(days: Days) -> None:
    with days.desk() as desk:
        desk.books.store.write(lambda writer: writer.put_setting("x", "y"))
    lock = days.folder / "books.db.write.lock"
    lock.unlink()
    lock.mkdir()
    result = days.run("--offline")
    assert (result.code, result.out) == (0, HEAD + NEWS + LIVE)
