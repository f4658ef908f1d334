"""`papertrade metrics` and `equity`: figures, reasons for what is undefined, filters, epochs, the curve."""

from __future__ import annotations

from decimal import Decimal

import pytest

from papertrade.engine.market import HOUR_MS
from papertrade.errors import Json
from papertrade.store.rows import Coverage, CoverageKind
from tests.cli import NOW_MS
from tests.commands.days import Days

TEXT = """\
only 2 closed trades: under 30 these figures are mostly luck

Result                                          Risk
  Net profit      -0.8298                         Max drawdown    -0.11%
  Worst .. best   -0.8298 .. +29.17                 deepest       2026-11-19 12:00 UTC
    in doubt      1 exit                            lasted        1d 22h, still below
  Win rate        50.00% (1 of 2)                 Sharpe          11.47
  Profit factor   0.92                            Sortino         151.94
  Expectancy      -0.4149 a trade, +0.46R         Calmar          -
  Average win     9.78                            CAGR            -
  Average loss    10.61                           Volatility      1.49%
  Largest win     9.78                            Total return    +0.09%
  Largest loss    10.61                           Day ends (UTC)  2, 2026-11-18 .. 2026-11-19
  Buy and hold    +2.75%

Trades                                          Costs
  Closed          2: 1 won, 1 lost, 0 even        Fees            0.6198
  Open            1                               Slippage        0.00
  Streaks         1 won, 1 lost; now -1           Turnover        619.81
  Held            1h 10m on average               Net is 0 at     -
    median        1h 10m                          SQN             0.30
  In the market   50.76%                          Payoff, Kelly   0.92, -4.24%

Went against                                    Went ahead
  Median          -2.56%, -0.50R                  Median          +4.99%, +1.00R
  Middle half     -3.83% .. -1.28%                Middle half     +2.50% .. +7.49%
                                                  Exits kept      100% on average

Trades by R
       -1R      1 ########################################
        0R      0
       +1R      0
       +2R      1 ########################################

Closed in UTC days
  today 0.00 (0 trades)  week -0.8298 (2 trades)  month -0.8298 (2 trades)

Exit         Trades  Won  Lost  Win rate     Net  Profit factor  Expectancy
---------------------------------------------------------------------------
stop loss         1    0     1     0.00%  -10.61           0.00      -10.61
take profit       1    1     0   100.00%   +9.78              -       +9.78

-  break even slippage bps: the net profit is not above 0 even without slippage
-  calmar, cagr: needs 90 day ends, has 2
"""
CURVE = """\
main  10009.33 USDT  +10.16 (0.10%) without deposits, 26 points, times in UTC
10009.33 |                 *************************************************************************
         |                 *
         |                 *
         |                 *
         |                 *
         |                 *
10004.14 |                 *
         |                 *
         |                 *
         |                 *
         |                 *
 9998.94 |*****************
         +------------------------------------------------------------------------------------------
          2026-11-19 10:00 UTC                                                  2026-11-20 10:00 UTC
"""


def section(data: Json, name: str) -> dict[str, Json]:
    assert isinstance(data, dict)
    found = data[name]
    assert isinstance(found, dict)
    return found


def metrics(days: Days, *args: str) -> Json:
    return days.run("metrics", "--json", *args).envelope["data"]


def test_the_report(days: Days) -> None:
    result = days.run("metrics")
    assert (result.out, result.err, result.code) == (TEXT, "", 0)
    assert max(map(len, result.out.splitlines())) <= 100
    assert days.server.count() == 0


def test_the_fields(days: Days) -> None:
    data = metrics(days)
    assert isinstance(data, dict)
    assert list(data) == [
        "account_summary", "trading_statistics", "risk", "excursions", "performance", "breakdown", "intervals",
        "r_histogram", "note", "recent_trades",
    ]  # fmt: skip
    assert data["account_summary"] == {
        "cash_balance": "9615.54717",
        "total_realized_pnl": "4.84217",
        "active_holdings": 1,
        "undefined": {},
    }
    statistics = section(data, "trading_statistics")
    wanted = {
        "total_trades": 2, "winning_trades": 1, "losing_trades": 1, "break_even_trades": 0, "win_rate": "0.5",
        "win_rate_percent": "50.00", "net_profit": "-0.82981", "profit_factor": "0.921788346623",
        "expectancy": "-0.414905", "ambiguous_exits": 1, "net_profit_worst": "-0.82981",
        "net_profit_best": "29.17019", "break_even_slippage_bps": None,
    }  # fmt: skip
    assert {name: statistics[name] for name in wanted} == wanted
    assert statistics["undefined"] == {"break_even_slippage_bps": "the net profit is not above 0 even without slippage"}
    risk = section(data, "risk")
    assert (risk["calmar"], risk["cagr"], risk["max_drawdown_percent"]) == (None, None, "-0.11")
    assert risk["undefined"] == {"calmar": "needs 90 day ends, has 2", "cagr": "needs 90 day ends, has 2"}
    assert section(data, "performance") == {
        "zone": "UTC",
        "today": {"pnl": "0", "trades": 0},
        "week": {"pnl": "-0.82981", "trades": 2},
        "month": {"pnl": "-0.82981", "trades": 2},
    }
    assert [trade["id"] for trade in data["recent_trades"]] == [2, 1]


@pytest.mark.parametrize(
    ("by", "kind", "names"),
    [
        ("symbol", "symbol", ["BTCUSDT", "ETHUSDT"]),
        ("side", "side", ["long", "short"]),
        ("source", "source", ["scanner"]),
        ("tag", "tag", ["breakout", None]),
        ("exit", "exit_reason", ["stop_loss", "take_profit"]),
    ],
)
def test_breakdowns(days: Days, by: str, kind: str, names: list[str | None]) -> None:
    groups = section(metrics(days, "--by", by), "breakdown")
    assert list(groups) == [kind]
    assert [group["name"] for group in groups[kind]] == names  # type: ignore[index, call-overload, union-attr]
    assert len(section(metrics(days), "breakdown")) == 5
    title = {"exit": "Exit"}.get(by, by.capitalize())
    assert f"\n{title}  " in days.run("metrics", "--by", by).out


def test_the_untagged_are_named(days: Days) -> None:
    assert "(no tag)       1    0     1     0.00%  -10.61           0.00      -10.61" in (
        days.run("metrics", "--by", "tag").out.splitlines()
    )


@pytest.mark.parametrize(
    ("args", "trades", "has_risk"),
    [
        (("--symbol", "BTCUSDT"), 1, False),
        (("--side", "short"), 1, False),
        (("--source", "nobody"), 0, False),
        (("--tag", "breakout"), 1, False),
        (("--exit", "sl"), 1, False),
        (("--status", "closed_tp"), 1, False),
        (("--status", "open"), 0, False),
        (("--status", "pending"), 0, False),
        (("--since", "2026-11-18T12:00Z"), 1, True),
        (("--until", "2026-11-18T12:00Z"), 1, False),
        (("--since", "2026-11-18T10:00Z"), 2, True),
        (("--epoch", "1"), 2, True),
    ],
)
def test_filters(days: Days, args: tuple[str, ...], trades: int, has_risk: bool) -> None:
    data = metrics(days, *args)
    assert section(data, "trading_statistics")["total_trades"] == trades
    assert (section(data, "risk")["total_return"] is not None) is has_risk


def test_a_part_of_the_trades_has_no_curve_of_its_own(days: Days) -> None:
    undefined = section(section(metrics(days, "--symbol", "BTCUSDT"), "risk"), "undefined")
    reason = "only for the whole account: leave out all filters but --since, --until and --epoch"
    assert (undefined["sharpe"], undefined["max_drawdown"]) == (reason, reason)
    lines = days.run("metrics", "--symbol", "BTCUSDT").out.splitlines()
    assert lines[-2:] == [
        "-  sharpe, sortino, calmar, max drawdown and 3 more: only for the whole account: leave out all",
        "   filters but --since, --until and --epoch",
    ]


def test_the_periods_are_of_all_matching_trades_whatever_since_says(days: Days) -> None:
    assert section(metrics(days, "--since", "today"), "performance")["week"] == {"pnl": "-0.82981", "trades": 2}


def test_intervals_and_another_symbol_to_compare_with(days: Days) -> None:
    data = metrics(days, "--intervals", "--vs", "ETHUSDT")
    intervals = section(data, "intervals")
    expectancy = section(intervals, "expectancy")
    assert (expectancy["level"], expectancy["samples"]) == ("0.95", 2000)
    assert Decimal(str(expectancy["low"])) <= Decimal("-0.414905") <= Decimal(str(expectancy["high"]))
    assert metrics(days, "--intervals", "--vs", "ETHUSDT") == data
    assert section(data, "trading_statistics")["buy_and_hold"] == "-0.03"
    text = days.run("metrics", "--intervals").out
    assert "95% intervals (2000 resamples)\n  Expectancy      -10.61 .. 9.78" in text
    unknown = section(metrics(days, "--vs", "DOGEUSDT"), "trading_statistics")
    assert unknown["buy_and_hold"] is None


def test_without_a_trade_nothing_is_a_number(first_day: Days) -> None:
    data = metrics(first_day, "-q")
    statistics, risk = section(data, "trading_statistics"), section(data, "risk")
    assert {name: statistics[name] for name in ("win_rate", "profit_factor", "expectancy", "sqn", "exposure")} == (
        dict.fromkeys(("win_rate", "profit_factor", "expectancy", "sqn", "exposure"))
    )
    assert section(statistics, "undefined")["win_rate"] == "no winning or losing trade"
    assert risk["max_drawdown_percent"] is None or risk["max_drawdown"] == "0"
    text = first_day.run("metrics", "--intervals").out
    assert "Win rate        -" in text
    assert "  Expectancy      needs 2 values to resample, has 0" in text


def test_a_breakdown_that_does_not_exist(days: Days) -> None:
    result = days.run("metrics", "--by", "mood")
    assert (result.code, result.err) == (
        2,
        "error: --by `mood` is not known\nhint: one of symbol, side, source, tag, exit\n",
    )


def test_the_past_epoch_stays_readable(days: Days) -> None:
    days.run("account", "reset", "--cash", "500")
    assert section(metrics(days), "trading_statistics")["total_trades"] == 0
    old = metrics(days, "--epoch", "1")
    assert section(old, "trading_statistics")["total_trades"] == 3
    summary = section(old, "account_summary")
    assert (summary["cash_balance"], summary["total_realized_pnl"]) == ("10009.21368", "9.21368")
    assert section(old, "risk")["max_drawdown_percent"] == "-0.11"
    for command in ("metrics", "equity"):
        missing = days.run(command, "--epoch", "3")
        assert (missing.code, missing.err) == (
            5,
            "error: account `main` has no epoch `3`\nhint: it has epochs 1 to 2\n",
        )


def test_an_account_that_was_never_reset_has_one_epoch(days: Days) -> None:
    assert days.run("metrics", "--epoch", "2").err == (
        "error: account `main` has no epoch `2`\nhint: it was never reset: leave --epoch out\n"
    )


def test_metrics_and_equity_say_when_live_trades_are_behind(days: Days) -> None:
    days.pass_minutes(60)
    for command in ("metrics", "equity", "account list", "account show"):
        assert "last caught up 1h ago" in days.run(*command.split()).err
    assert days.server.count() == 0


def test_the_whole_curve_counts_from_the_opening_balance_and_not_from_the_first_fill(days: Days) -> None:
    headline, *_ = days.run("equity").out.splitlines()
    assert headline.startswith("main  10009.33 USDT  +9.33 (0.09%) without deposits, ")


def test_the_curve(days: Days) -> None:
    result = days.run("equity", "--since", "1d")
    assert (result.out, result.err, result.code) == (CURVE, "", 0)
    assert max(map(len, result.out.splitlines())) <= 100


def test_the_points_of_the_curve(days: Days) -> None:
    data = days.run("equity", "--json").envelope["data"]
    assert isinstance(data, dict)
    items = data["items"]
    assert isinstance(items, list)
    assert (data["total"], data["opening"], data["currency"]) == (len(items), None, "USDT")
    assert items[0] == {
        "at": "2026-11-18T10:00:00.000Z",
        "equity": "9999.88999",
        "cash": "9899.88999",
        "reserved": "100.01",
        "unrealized_pnl": "-0.01",
        "realized_pnl": "-0.10001",
        "capital": "10000",
        "unpriced_count": 0,
    }
    assert items[-1]["equity"] == "10009.33217"
    window = days.run("equity", "--json", "--since", "2026-11-18T12:00Z", "--until", "2026-11-18T14:00Z")
    opened = window.envelope["data"]
    assert isinstance(opened, dict)
    assert opened["opening"]["at"] == "2026-11-18T12:00:00.000Z"
    assert [point["at"] for point in opened["items"]] == [
        "2026-11-18T13:00:00.000Z",
        "2026-11-18T13:20:59.999Z",
    ]


def test_csv_of_the_curve_has_the_columns_of_the_export(days: Days) -> None:
    assert days.run("equity", "--csv").out == days.run("export", "equity").out


def test_a_curve_without_points(days: Days) -> None:
    assert days.run("equity", "--until", "2026-11-01").out == (
        "no equity point yet: the first one comes with the first fill or full hour\n"
    )


def test_the_distributions(days: Days) -> None:
    data = metrics(days)
    assert isinstance(data, dict)
    found = section(data, "excursions")
    wanted = {
        "observed_trades": 2, "mae_percent_q1": "-3.83132857885", "mfe_r_median": "0.997005988024",
        "exit_efficiency_mean": "1", "undefined": {},
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    bins = data["r_histogram"]
    assert isinstance(bins, list)
    assert [bins[0], bins[1], bins[-1]] == [
        {"from": None, "to": "-2.5", "trades": 0},
        {"from": "-2.5", "to": "-1.5", "trades": 0},
        {"from": "5.5", "to": None, "trades": 0},
    ]
    assert sum(int(str(one["trades"])) for one in bins if isinstance(one, dict)) == 2


def test_unverified_trades_are_counted_and_can_be_left_out(days: Days) -> None:
    assert section(metrics(days), "trading_statistics")["unverified_trades"] == 0
    opened_ms = NOW_MS - 48 * HOUR_MS
    hole = Coverage(
        venue="binance", symbol="BTCUSDT", from_ms=opened_ms, to_ms=opened_ms + 60_000, kind=CoverageKind.HOLE
    )
    with days.desk() as desk:
        desk.books.store.write(lambda writer: writer.put_coverage([hole]))
    whole = section(metrics(days), "trading_statistics")
    assert (whole["unverified_trades"], whole["total_trades"]) == (1, 2)
    part = metrics(days, "--verified")
    left = section(part, "trading_statistics")
    assert (left["unverified_trades"], left["total_trades"], left["losing_trades"]) == (1, 1, 1)
    assert section(part, "risk")["sharpe"] is None
    assert "  Not verified    1 trade" in days.run("metrics").out
    listed = days.run("trades").out.splitlines()
    assert [line.split("  ")[0] for line in listed if " !" in line] == [
        "1",
        "4 trades; marks 0s old; times in UTC; ? = two levels in one candle; ! = not verified, see show",
    ]
