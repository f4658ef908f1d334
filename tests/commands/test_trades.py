"""`papertrade trades`: the table, every filter, paging, JSON, CSV, and what it says of its freshness."""

from __future__ import annotations

import csv
import io

import pytest

from papertrade.engine.market import MINUTE_MS
from tests.commands.days import Days

TABLE = """\
#  Side   Quantity  Symbol    Entry  Exit/mark     P/L      R  State        Opened       Ended
----------------------------------------------------------------------------------------------------
4  long         30  ETHUSDT     9.5          -       -      -  limit waits  -            -
3  long          1  BTCUSDT  104.01     108.49  +10.15  +0.84  open 50%     11-19 12:00  -
2  short        20  ETHUSDT    9.99       10.5  -10.61  -1.04  stop loss ?  11-18 12:00  11-18 13:20
1  long          1  BTCUSDT  100.01        110   +9.78  +1.95  take profit  11-18 10:00  11-18 11:00
4 trades; marks 0s old; times in UTC; ? = two levels in one candle
"""


def ids(days: Days, *args: str) -> list[object]:
    """Return the numbers that a list shows, after the total."""
    data = days.run("trades", "--json", *args).envelope["data"]
    assert isinstance(data, dict)
    items = data["items"]
    assert isinstance(items, list)
    return [data["total"], *(item["id"] for item in items)]


def test_the_table_fits_100_columns_and_names_reasons_in_words(days: Days) -> None:
    result = days.run("trades")
    assert (result.out, result.err, result.code) == (TABLE, "", 0)
    assert max(map(len, result.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((), [4, 4, 3, 2, 1]),
        (("--status", "all"), [4, 4, 3, 2, 1]),
        (("--status", "live"), [2, 4, 3]),
        (("--status", "open"), [1, 3]),
        (("--status", "pending"), [1, 4]),
        (("--status", "waiting"), [1, 4]),
        (("--status", "closed"), [2, 2, 1]),
        (("--status", "open,closed"), [3, 3, 2, 1]),
        (("--status", "CLOSED_SL"), [1, 2]),
        (("--status", "CLOSED_TP"), [1, 1]),
        (("--status", "closed_manual"), [0]),
        (("--status", "canceled"), [0]),
        (("--exit", "stop_loss"), [1, 2]),
        (("--exit", "take-profit"), [2, 3, 1]),
        (("--exit", "sl,tp"), [3, 3, 2, 1]),
        (("--symbol", "btc/usdt"), [2, 3, 1]),
        (("--side", "short"), [1, 2]),
        (("--source", "desk"), [1, 3]),
        (("--tag", "breakout"), [1, 1]),
        (("--since", "1d"), [2, 4, 3]),
        (("--until", "2026-11-18T13:20:59.999Z"), [1, 1]),
        (("--since", "2026-11-18T11:30Z", "--until", "2026-11-19"), [1, 2]),
        (("--since", "today"), [0]),
        (("--limit", "1"), [4, 4]),
        (("--limit", "0"), [4, 4, 3, 2, 1]),
        (("--before", "3"), [4, 2, 1]),
        (("--epoch", "1"), [4, 4, 3, 2, 1]),
        (("--epoch", "2"), [0]),
    ],
)
def test_filters(days: Days, args: tuple[str, ...], expected: list[object]) -> None:
    assert ids(days, *args) == expected


def test_pages_point_to_the_next_one(days: Days) -> None:
    lines = days.run("trades", "--limit", "2").out.splitlines()
    assert lines[-2:] == [
        "2 of 4 trades; marks 0s old; times in UTC",
        "older ones: papertrade trades --before 3",
    ]
    assert days.run("trades", "--before", "3").out.splitlines()[-1] == (
        "2 of 4 trades; times in UTC; ? = two levels in one candle"
    )


def test_nothing_to_show(days: Days, first_day: Days) -> None:
    assert days.run("trades", "--tag", "none").out == "no trades match\n"
    assert first_day.run("trades", "-q").out == "no trades yet: papertrade long BTCUSDT --sl 2% --tp 2R\n"


def test_csv_has_the_columns_of_the_export(days: Days) -> None:
    listed = days.run("trades", "--csv", "--limit", "0").out
    exported = days.run("export", "trades").out
    rows = list(csv.DictReader(io.StringIO(listed)))
    assert [row["id"] for row in rows] == ["4", "3", "2", "1"]
    assert listed.splitlines()[0] == exported.splitlines()[0]
    assert set(listed.splitlines()) == set(exported.splitlines())


@pytest.mark.parametrize(
    ("args", "error", "hint"),
    [
        (
            ("--status", "opne"),
            "--status `opne` is not known",
            "did you mean `open`?",
        ),
        (
            ("--exit", "luck"),
            "--exit `luck` is not known",
            "one of take_profit, stop_loss, trailing_stop, break_even, time_limit, manual, liquidation, tp, target, "
            "sl, stop, ts, trail, be, time, liq",
        ),
        (("--side", "up"), "--side `up` is not known", "one of long, buy, short, sell"),
        (("--symbol", "b t c"), "`b t c` is not a symbol", "write it as the venue does: BTCUSDT, or BTC/USDT"),
        (
            ("--since", "soon"),
            "--since `soon` is not a moment",
            "write it like today, 7d, 2026-11-20 or 2026-11-20T10:00Z",
        ),
    ],
)
def test_words_that_mean_nothing_are_refused(days: Days, args: tuple[str, ...], error: str, hint: str) -> None:
    result = days.run("trades", *args)
    assert (result.out, result.code) == ("", 2)
    assert result.err == f"error: {error}\nhint: {hint}\n"


def test_it_never_asks_the_venue_and_says_when_live_trades_are_behind(days: Days) -> None:
    days.server.clear()
    days.pass_minutes(90)
    result = days.run("trades")
    assert result.err == (
        "live trades of 2 symbols were last caught up 1h ago (2026-11-20 10:00 UTC): papertrade watch --once\n"
    )
    assert "marks 1h old" in result.out
    assert days.run("trades", "-q").err == ""
    assert days.run("trades", "--status", "closed").err == ""
    assert days.server.count() == 0


def test_a_trade_that_was_never_caught_up_is_told_too(first_day: Days) -> None:
    from tests.commands.days import signal

    first_day.open(signal("1", stop="95"))
    first_day.clock.at_ms += 3 * MINUTE_MS
    assert "last caught up 3m ago" in first_day.run("trades").err
