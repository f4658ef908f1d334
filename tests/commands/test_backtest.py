"""`papertrade backtest`: what it shows, what it writes, what it refuses, and that it trades as the watch does."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.cli import NOW_MS, Result, run, run_process
from tests.commands.backtest_files import HEADER, Folder, at_minute, candles_text, signals_text
from tests.commands.trading_desk import TradingDesk, quiet_day

HEAD = """\
signals  ideas.csv, 7 signals
candles  BTCUSDT 1m, 30 candles of btc.csv
candles  ETHUSDT 1m, 30 candles of eth.csv
span     2026-11-20 10:00 UTC .. 2026-11-20 10:30 UTC (30m 00s)
rules    conservative, fee 0.1%, slippage 0 bps, 10000 USDT
trades   5 taken, 1 still open, marked at the last close
refused  1 insufficient_funds, e.g. `ideas:dear` at 2026-11-20T10:03:00.000Z: short of cash: it
         needs `50050` USDT, `9799.8` is free, short by `40250.2`
refused  1 no_candle_then, e.g. `ideas:late` at 2026-11-20T10:40:00.000Z: the candles of BTCUSDT end
         before `2026-11-20T10:40:00.000Z`

only 4 closed trades: under 30 these figures are mostly luck

Result                                          Risk
  Net profit      -7.37                           Max drawdown    -0.20%
  Worst .. best   -7.37 .. +2.63                    deepest       2026-11-20 10:20 UTC
    in doubt      1 exit                            lasted        21m 00s, still below
  Win rate        50.00% (2 of 4)                 Sharpe          -
"""
TAIL = """\
Symbol   Trades  Won  Lost  Win rate     Net  Profit factor  Expectancy
-----------------------------------------------------------------------
BTCUSDT       3    1     2    33.33%  -17.18           0.14       -5.73
ETHUSDT       1    1     0   100.00%   +9.81              -       +9.81

Exit         Trades  Won  Lost  Win rate     Net  Profit factor  Expectancy
---------------------------------------------------------------------------
stop loss         2    0     2     0.00%  -19.98           0.00       -9.99
take profit       2    2     0   100.00%  +12.61              -       +6.30

5 trades, times in UTC
#  Side   Quantity  Symbol   Entry  Exit/mark     P/L      R  State        Opened       Ended
---------------------------------------------------------------------------------------------------
1  long          1  BTCUSDT    100        103   +2.80  +1.40  take profit  11-20 10:00  11-20 10:05
2  short        10  ETHUSDT     10          9   +9.81  +0.98  take profit  11-20 10:02  11-20 10:08
3  long          2  BTCUSDT    100         98   -4.40  -1.10  stop loss ?  11-20 10:06  11-20 10:10
4  long          3  BTCUSDT    100         95  -15.58  -2.60  stop loss    11-20 10:11  11-20 10:15
5  short         1  BTCUSDT     95         95  -0.095  -0.02  open         11-20 10:20  -
? = two levels in one candle

-  break even slippage bps: the net profit is not above 0 even without slippage
-  sharpe, sortino, volatility: needs 2 day ends, has 0
-  calmar, cagr: needs 90 day ends, has 0
-  total return: no full day yet

not modelled: funding, borrow, and what your own orders would have moved
"""
OUTCOME = (
    "status",
    "exit_reason",
    "entry_price",
    "quantity",
    "exit_price",
    "closed_at",
    "fees",
    "realized_pnl",
    "excursion",
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def listed(data: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    return cast("list[dict[str, Json]]", data[name])


def section(data: Mapping[str, Json], *names: str) -> dict[str, Json]:
    for name in names:
        data = cast("dict[str, Json]", data[name])
    return cast("dict[str, Json]", data)


def test_the_report(folder: Folder) -> None:
    result = folder.backtest()
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(HEAD)
    assert result.out.endswith(TAIL)
    assert "Equity  9992.53 USDT  -7.47 (-0.07%)\n" in result.out
    assert max(map(len, result.out.splitlines())) <= 100


def test_no_database_is_made_and_a_home_that_cannot_be_written_is_enough(folder: Folder) -> None:
    home = folder.path / "home"
    home.write_text("not a folder", encoding="utf-8")
    env = {**folder.environment, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    result = run_process(["backtest", *folder.files, "--json"], env)
    assert (result.code, result.err) == (0, "")
    assert not (folder.path / "papertrade.db").exists()


def test_the_answer_for_scripts(folder: Folder) -> None:
    data = folder.data("backtest", *folder.files)
    assert list(data) == ["trades", "refused", "guards", "metrics", "equity", "inputs"]
    trades = listed(data, "trades")
    assert [trade["id"] for trade in trades] == [1, 2, 3, 4, 5]
    assert {trade["account"] for trade in trades} == {"backtest"}
    assert trades[0]["signal"] == {"id": 1, "source": "ideas", "external_id": "win"}
    assert [trade["realized_pnl"] for trade in trades] == ["2.797", "9.81", "-4.396", "-15.585", "0"]
    assert (trades[2]["ambiguous"], trades[4]["mark_price"], trades[4]["status"]) == (True, "95", "open")
    assert [(one["signal"], one["code"]) for one in listed(data, "refused")] == [
        ("ideas:late", "no_candle_then"),
        ("ideas:dear", "insufficient_funds"),
    ]
    assert listed(data, "refused")[1]["details"] == {
        "need": "50050",
        "have": "9799.8",
        "shortfall": "40250.2",
        "affordable": "97.9000999",
        "reserved": "200",
    }


def test_the_answer_says_how_sure_it_is(folder: Folder) -> None:
    data = folder.data("backtest", *folder.files)
    told = section(data, "metrics", "trading_statistics")
    assert [told[name] for name in ("net_profit_worst", "net_profit", "net_profit_best", "ambiguous_exits")] == [
        "-7.374",
        "-7.374",
        "2.626",
        1,
    ]
    assert (told["total_trades"], told["open_trades"]) == (4, 1)
    points = listed(data, "equity")
    assert (points[0]["at"], points[0]["equity"]) == ("2026-11-20T10:00:00.000Z", "9999.9")
    assert (points[-1]["at"], points[-1]["equity"]) == ("2026-11-20T10:30:00.000Z", "9992.531")


def test_the_answer_names_all_that_decided_it(folder: Folder) -> None:
    told = section(folder.data("backtest", *folder.files), "inputs")
    assert section(told, "signals")["rows"] == 7
    assert [(one["symbol"], one["rows"], one["holes"]) for one in listed(told, "candles")] == [
        ("BTCUSDT", 30, 0),
        ("ETHUSDT", 30, 0),
    ]
    assert len(str(listed(told, "candles")[0]["sha256"])) == 64
    rules = section(told, "rules")
    assert (rules["maker"], rules["slippage_bps"], rules["leverage"]) == ("0.001", "0", "1")
    assert section(rules, "convention")["same_candle"] == "stop-first"
    assert (told["cash"], told["currency"], told["from"], told["version"]) == ("10000", "USDT", None, "0.1.0")


def test_the_trades_as_csv_have_the_columns_of_an_export(folder: Folder) -> None:
    rows = list(csv.DictReader(folder.backtest("--csv").out.splitlines()))
    assert [row["realized_pnl"] for row in rows] == ["2.797", "9.81", "-4.396", "-15.585", "0"]
    assert rows[0]["take_profits"] == "103:1"
    assert {row["account"] for row in rows} == {"backtest"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fee-rate", "0"], ["3", "10", "-4", "-15", "0"]),
        (["--maker", "0", "--taker", "0.2%"], ["2.8", "9.8", "-4.792", "-16.17", "0"]),
        (["--fee-rate", "0", "--slippage-bps", "100"], ["2", "9", "-7.96", "-20.85", "0"]),
        (["--set", "same_candle=target-first"], ["2.797", "9.81", "5.594", "-15.585", "0"]),
        (["--set", "gap_stop=level"], ["2.797", "9.81", "-4.396", "-6.594", "0"]),
        (["--notional", "200", "--fee-rate", "0"], ["6", "20", "-4", "-4", "-10", "0"]),
        (["--max-open", "1"], ["2.797", "-4.396", "-15.585", "0"]),
        (["--from", "2026-11-20T10:05:00Z"], ["-4.396", "-15.585", "0"]),
        (["--to", "2026-11-20T10:03:00Z"], ["0", "0"]),
        (["--cash", "500"], ["2.797", "9.81", "-4.396", "-15.585", "0"]),
        (["--cash", "150"], ["2.797", "0"]),
        (["--leverage", "10", "--cash", "150"], ["2.797", "9.81", "-4.396", "-15.585", "0"]),
    ],
    ids=lambda value: " ".join(value[:2]),
)
def test_options(folder: Folder, options: Sequence[str], expected: Sequence[str]) -> None:
    data = folder.data("backtest", *folder.files, *options)
    assert [trade["realized_pnl"] for trade in listed(data, "trades")] == expected


def test_finer_candles_settle_what_a_candle_leaves_open(folder: Folder) -> None:
    rows = [f"{at_minute(10) + second * 1000},100,100,100,100,1" for second in range(60)]
    rows[20] = f"{at_minute(10) + 20_000},100,104,100,100,1"
    rows[40] = f"{at_minute(10) + 40_000},100,100,97,100,1"
    detail = folder.write("fine.csv", "\n".join(["time,open,high,low,close,volume", *rows, ""]))
    data = folder.data("backtest", *folder.files, "--detail", f"BTCUSDT={detail}")
    third = listed(data, "trades")[2]
    assert (third["exit_reason"], third["ambiguous"], third["flags"]) == ("take_profit", False, ["settled"])


def test_the_configuration_is_the_default_and_flags_beat_it(folder: Folder) -> None:
    env = {
        **folder.environment,
        "PAPERTRADE_COSTS__TAKER": "0",
        "PAPERTRADE_COSTS__MAKER": "0",
        "PAPERTRADE_ACCOUNT__CURRENCY": "EUR",
    }
    told = cast("Mapping[str, Json]", run(["backtest", *folder.files, "--json"], env).envelope["data"])
    assert listed(told, "trades")[0]["realized_pnl"] == "3"
    assert section(told, "inputs")["currency"] == "EUR"
    beaten = run(["backtest", *folder.files, "--json", "--fee-rate", "0.1%", "--currency", "USD"], env).envelope["data"]
    assert listed(cast("Mapping[str, Json]", beaten), "trades")[0]["realized_pnl"] == "2.797"
    assert section(cast("Mapping[str, Json]", beaten), "inputs")["currency"] == "USD"


INSTRUMENT = {
    "symbol": "BTCUSDT", "venue": "binance", "base": "BTC", "quote": "USDT", "price_step": "0.01",
    "quantity_step": "1", "quantity_min": "2", "quantity_max": None, "notional_min": None, "notional_max": None,
    "hours": "24/7", "is_trading": True, "fetched_at": "2026-11-20T10:00:00.000Z",
}  # fmt: skip


def test_instruments_bring_steps_minimums_and_currencies(folder: Folder) -> None:
    known = folder.write("known.json", json.dumps({"success": True, "data": {"items": [INSTRUMENT], "total": 1}}))
    data = folder.data("backtest", *folder.files, "--instruments", str(known))
    codes = {str(one["signal"]): one["code"] for one in listed(data, "refused")}
    assert codes["ideas:win"] == codes["ideas:rest"] == "below_minimum"
    text = " ".join(folder("backtest", *folder.files, "--instruments", str(known)).out.split())
    assert " steps and minimums of BTCUSDT; the instruments file has none of ETHUSDT " in text
    other = folder.write("other.json", json.dumps([{**INSTRUMENT, "symbol": "SOLUSDT"}]))
    text = " ".join(folder("backtest", *folder.files, "--instruments", str(other)).out.split())
    assert " steps of no symbol; the instruments file has none of BTCUSDT, ETHUSDT " in text
    folder.write("known.json", json.dumps([{**INSTRUMENT, "quote": "EUR"}]))
    data = folder.data("backtest", *folder.files, "--instruments", str(known))
    assert {one["code"] for one in listed(data, "refused")} == {"currency_mismatch", "no_candle_then"}
    env = {**folder.environment, "PAPERTRADE_SAME_CURRENCY": "[[EUR, USDT]]"}
    args = ["backtest", *folder.files, "--instruments", str(known), "--json"]
    told = cast("Mapping[str, Json]", run(args, env).envelope["data"])
    assert "currency_mismatch" not in {one["code"] for one in listed(told, "refused")}


def test_holes_are_said(folder: Folder) -> None:
    text = candles_text("BTCUSDT").splitlines(keepends=True)
    folder.write("btc.csv", "".join(text[:4] + text[6:9] + text[10:]))
    out = folder.backtest().out
    assert "missing  candles of BTCUSDT 3 in 2 holes: nothing is decided in there\n" in out


def test_signals_of_a_symbol_without_a_file_are_refused_one_by_one(folder: Folder) -> None:
    files = ["--signals", str(folder.signals), "--candles", f"BTCUSDT={folder.btc}"]
    data = folder.data("backtest", *files)
    assert ("ideas:fall", "no_candles") in [(one["signal"], one["code"]) for one in listed(data, "refused")]


def test_a_pattern_names_the_file_of_each_symbol(folder: Folder) -> None:
    folder.btc.rename(folder.path / "BTCUSDT.csv")
    folder.eth.rename(folder.path / "ETHUSDT.csv")
    data = folder.data("backtest", "--signals", str(folder.signals), "--candles", f"{folder.path}/{{symbol}}.csv")
    assert len(listed(data, "trades")) == 5


def test_an_empty_signal_file_trades_nothing(folder: Folder) -> None:
    folder.signals.write_text(f"{HEADER}\n", encoding="utf-8")
    result = folder.backtest()
    assert (result.code, result.out.splitlines()[-1]) == (0, "no signals: nothing to trade")
    assert folder.data("backtest", *folder.files)["trades"] == []


def test_a_span_without_signals_says_so(folder: Folder) -> None:
    assert folder.backtest("--from", "2026-11-20T10:25Z", "--to", "2026-11-20T10:29Z").out.endswith(
        "no signal lies between --from and --to\n"
    )


def test_the_folder(folder: Folder) -> None:
    out = folder.path / "deep" / "out"
    result = folder.backtest("--out", str(out))
    assert (result.code, result.err) == (0, f"wrote {out}\n")
    assert sorted(path.name for path in out.iterdir()) == [
        "equity.csv",
        "fills.csv",
        "inputs.json",
        "metrics.json",
        "refused.csv",
        "trades.csv",
    ]
    data = folder.data("backtest", *folder.files)
    assert json.loads((out / "metrics.json").read_text()) == data["metrics"]
    assert json.loads((out / "inputs.json").read_text()) == data["inputs"]
    fills = list(csv.DictReader((out / "fills.csv").read_text().splitlines()))
    assert sum(Decimal(row["realized"] or 0) for row in fills) == Decimal("-7.374")
    assert [(row["trade_id"], row["n"], row["leg"], row["side"]) for row in fills[:3]] == [
        ("1", "1", "entry", "buy"),
        ("2", "1", "entry", "sell"),
        ("1", "2", "exit", "sell"),
    ]
    refused = list(csv.DictReader((out / "refused.csv").read_text().splitlines()))
    assert json.loads(refused[1]["details"])["affordable"] == "97.9000999"
    assert folder.backtest("--out", str(out), "--fee-rate", "0").code == 0
    assert "2.797" not in (out / "trades.csv").read_text()


REFUSED_FOLDERS = [
    ("mine", "`mine` holds other files: `notes.txt`", "folder_not_empty"),
    ("btc.csv", "`btc.csv` is not a folder", "not_a_folder"),
]


@pytest.mark.parametrize(("name", "message", "code"), REFUSED_FOLDERS, ids=lambda value: value.split()[0])
def test_a_folder_of_others_is_left_alone(folder: Folder, name: str, message: str, code: str) -> None:
    (folder.path / "mine").mkdir()
    folder.write("mine/notes.txt", "x")
    assert folder.refusal("backtest", *folder.files, "--out", f"{folder.path}/{name}")[1].startswith(
        f"error: {message}"
    )
    result = folder.backtest("--out", f"{folder.path}/{name}", "--json")
    assert (result.code, result.error["code"]) == (6, code)


def test_a_folder_that_cannot_be_made(folder: Folder) -> None:
    result = folder.backtest("--out", f"{folder.btc}/out", "--json")
    assert (result.code, result.error["code"]) == (12, "output_unwritable")


STRATEGY = """
def strategy(candles):
    if candles.close[-1] == 95 and candles.close[-2] == 100:
        return candles.signal("short", stop="2%", size=1)
    return None
"""
PEEKING = """
def strategy(candles):
    import random
    if len(candles) == 12:
        return candles.signal("long", stop="2%", size=random.randint(1, 10**9))
    return None
"""


def test_a_strategy_makes_the_signals(folder: Folder) -> None:
    path = folder.write("turns.py", STRATEGY)
    words = ["backtest", "--strategy", str(path), "--candles", f"BTCUSDT={folder.btc}"]
    data = folder.data(*words)
    (trade,) = listed(data, "trades")
    assert (trade["opened_at"], trade["signal"]) == (
        "2026-11-20T10:16:00.000Z",
        {"id": 1, "source": "turns", "external_id": "BTCUSDT-20261120T101600Z"},
    )
    assert section(data, "inputs", "strategy")["rows"] == 1
    assert "strategy  turns.py, 1 signal\n" in folder(*words).out
    assert folder.data(*words, "--from", "2026-11-20T10:20Z")["trades"] == []


def test_only_the_symbols_named_are_shown_to_a_strategy(folder: Folder) -> None:
    path = folder.write("turns.py", STRATEGY)
    words = ["--strategy", str(path), "--candles", f"BTCUSDT={folder.btc}", "--candles", f"ETHUSDT={folder.eth}"]
    data = folder.data("backtest", *words, "--symbol", "ethusdt")
    assert [one["symbol"] for one in listed(section(data, "inputs"), "candles")] == ["ETHUSDT"]


def test_looking_ahead_is_checked(folder: Folder) -> None:
    path = folder.write("turns.py", STRATEGY)
    words = ["backtest", "--strategy", str(path), "--candles", f"BTCUSDT={folder.btc}", "--check-lookahead"]
    result = folder(*words)
    assert result.code == 0
    assert result.out.startswith("no difference: 1 signal, run again on candles that end earlier at ")
    folder.write("turns.py", "def strategy(candles): pass\n")
    assert folder(*words).out.endswith("\nit made no signal over these candles: that shows little\n")
    folder.write("turns.py", PEEKING)
    result = folder(*words)
    assert result.code == 13
    assert "chance  turns:BTCUSDT-20261120T101200Z" in result.out
    assert result.err.startswith("error: 1 signal depends on chance")
    told = folder(*words, "--json")
    assert told.error["code"] == "lookahead"
    assert section(cast("dict[str, Json]", told.envelope["data"]))["signals"] == 1


def bad_files(folder: Folder) -> Mapping[str, str]:
    """Write files that cannot be used and return their paths by name."""
    made = {
        "undated": "id,symbol,side,stop_loss\nold,BTCUSDT,long,98\n",
        "rows": f"{HEADER}\na,{NOW_MS},BTCUSDT,up,,,98,103,1\n",
        "candles": f"time,open,high,low,close,volume\n{NOW_MS},1,0,1,1,1\n",
        "json": "{",
        "number": json.dumps([{**INSTRUMENT, "price_step": "x"}, INSTRUMENT, INSTRUMENT, 3]),
        "late": signals_text("late,40,BTCUSDT,long,,,98,,1", "later,41,BTCUSDT,long,,,98,,1"),
    }
    return {name: str(folder.write(f"{name}.txt", text)) for name, text in made.items()}


CANDLES = ("--candles", "BTCUSDT={btc}")
REFUSALS: Sequence[tuple[Sequence[str], int, str]] = [
    ([], 2, "error: name signals\nhint: --signals FILE.csv, or --strategy FILE.py\n"),
    (["--signals", "{signals}"], 2, "error: name candles\nhint: --candles BTCUSDT=btcusdt_1m.csv\n"),
    (
        ["--signals", "{signals}", "--strategy", "x.py", *CANDLES],
        2,
        "error: --signals and --strategy exclude each other\nhint: --signals FILE.csv, or --strategy FILE.py\n",
    ),
    (["--signals", "none.csv", *CANDLES], 4, "error: `none.csv` cannot be read: no such file or directory\n"),
    (
        ["--signals", "{undated}", *CANDLES],
        4,
        "error: 1 bad row in undated.txt, nothing was imported\n"
        "undated.txt line 1, time: the column is missing: a backtest must know when a signal was made "
        "(ISO-8601 with a zone, or epoch milliseconds)\n",
    ),
    (
        ["--signals", "{rows}", *CANDLES],
        4,
        "error: 1 bad row in rows.txt, nothing was imported\n"
        "rows.txt line 2, side: `up` is not a side, expected long, short, buy or sell\n",
    ),
    (
        ["--signals", "{signals}", "--candles", "BTCUSDT={json}"],
        4,
        "error: json.txt line 1: is not JSON",
    ),
    (["--signals", "{signals}", "--candles", "BTCUSDT={candles}"], 4, "error: 1 bad row in candles.txt"),
    (
        ["--signals", "{signals}", "--candles", "BTCUSDT=none.csv"],
        4,
        "error: no candles for BTCUSDT: `none.csv` is not there\n",
    ),
    (
        ["--signals", "{signals}", "--candles", "SOLUSDT={btc}"],
        4,
        "error: no signal has candles: the signals are of BTCUSDT, ETHUSDT, --candles names SOLUSDT\n"
        "hint: add --candles BTCUSDT=FILE\n",
    ),
    (
        ["--signals", "{signals}", "--candles", "{btc}"],
        2,
        "error: --candles `btc.csv` is one file for 2 symbols: BTCUSDT, ETHUSDT\n"
        "hint: write --candles SYMBOL=FILE for each, or a pattern such as --candles 'data/{{symbol}}_1m.csv.gz'\n",
    ),
    (
        ["--signals", "{late}", *CANDLES],
        4,
        "error: `2` signals from 2026-11-20T10:40:00.000Z to 2026-11-20T10:41:00.000Z have no candles: those of "
        "BTCUSDT go from 2026-11-20T10:00:00.000Z to 2026-11-20T10:30:00.000Z\n"
        "hint: bring candles of the signals' time, or another --from and --to\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--detail", "BTCUSDT={btc}"],
        4,
        "error: `btc.csv` has candles of 60 s, those of BTCUSDT have 60 s: --detail must be finer\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--detail", "eth/usdc={btc}"],
        2,
        "error: --detail names ETHUSDC, --candles does not\nhint: add --candles ETHUSDC=FILE, or leave it out\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--from", "2026-11-21", "--to", "2026-11-20"],
        2,
        "error: --from `2026-11-21` is not before --to `2026-11-20`\nhint: swap them\n",
    ),
    (["--signals", "{signals}", *CANDLES, "--from", "soon"], 2, "error: --from `soon` is not a moment\n"),
    (
        ["--signals", "{signals}", *CANDLES, "--set", "same_cande=nearest"],
        2,
        "error: --set: there is no option `same_cande`\nhint: did you mean `same_candle`?\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--set", "same_candle=neerest"],
        2,
        "error: --set same_candle: `neerest` is not known\nhint: did you mean `nearest`?\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--set", "gap_stop=zzzz"],
        2,
        "error: --set gap_stop: `zzzz` is not known\nhint: one of open, level\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--set", "nearest"],
        2,
        "error: --set `nearest` is not OPTION=VALUE\nhint: for example --set same_candle=nearest\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--set", "qqqq=1"],
        2,
        "error: --set: there is no option `qqqq`\nhint: one of ",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--convention", "frektrade"],
        2,
        "error: --convention `frektrade` is not known\nhint: did you mean `freqtrade`?\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--convention", "qqq"],
        2,
        "error: --convention `qqq` is not known\nhint: one of ",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--fee-rate", "x"],
        2,
        "error: --fee-rate is `x`, expected a rate from 0% to 10%, written `0.1%` or `0.001`\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--fee-rate", "0", "--maker", "0", "--taker", "0"],
        2,
        "error: --fee-rate says nothing beside --maker and --taker\nhint: leave it out\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--cash", "-1"],
        2,
        "error: --cash is `-1`, expected an amount from 0.00000001 to 1000000000 with at most 8 decimals\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--leverage", "0.5"],
        2,
        "error: --leverage is `0.5`, expected a number from 1 to 125\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--interval", "2m"],
        2,
        "error: --interval `2m` is not known\nhint: one of 1s",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--symbol", "BTCUSDT"],
        2,
        "error: --symbol goes with --strategy\nhint: a signal file names its symbols itself\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--size", "1", "--risk", "1%"],
        2,
        "error: --size and --risk exclude each other\nhint: keep one of them\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--check-lookahead"],
        2,
        "error: --check-lookahead looks at a strategy\nhint: name it with --strategy FILE.py\n",
    ),
    (
        ["--strategy", "x.py", *CANDLES, "--check-lookahead", "--save", "a"],
        2,
        "error: --check-lookahead trades nothing that --save could keep\nhint: leave out --save\n",
    ),
    (["--strategy", "x.py", *CANDLES], 4, "error: strategy `x.py` cannot be read: "),
    (
        ["--signals", "{signals}", *CANDLES, "--instruments", "none.json"],
        4,
        "error: `none.json` cannot be read: no such file or directory\n"
        "hint: papertrade instruments BTCUSDT --save instruments.json\n",
    ),
    (["--signals", "{signals}", *CANDLES, "--instruments", "{json}"], 4, "error: `json.txt` is not JSON: line 1: "),
    (
        ["--signals", "{signals}", *CANDLES, "--instruments", "{number}"],
        4,
        "error: number.txt line 1, item 1: `price_step`: `x` is not a plain decimal number\n"
        "number.txt line 1, item 3: BTCUSDT stands there twice\nnumber.txt line 1, item 4: is not an object\n",
    ),
    (
        ["--signals", "{signals}", *CANDLES, "--save", "7"],
        2,
        "error: --save `7` is a number, and numbers are given by papertrade\n",
    ),
    (["--signals", "{signals}", *CANDLES, "--save", " "], 2, "error: --save ` ` cannot be a name\n"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSALS, ids=lambda value: str(value)[:60])
def test_what_is_wrong_is_said(
    folder: Folder, words: Sequence[str], code: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)
    places = {"signals": str(folder.signals), "btc": str(folder.btc), **bad_files(folder)}
    args = [word.format(**places) for word in words]
    found = folder.refusal("backtest", *args)
    assert (found[0], found[1][: len(message.format())]) == (code, message.format())


def test_long_work_is_told_on_a_terminal_only(folder: Folder) -> None:
    assert run(["backtest", *folder.files, "--json"], folder.environment, is_terminal=True).err == ""


def test_the_same_signals_and_candles_give_the_trades_of_the_watch(desk: TradingDesk, tmp_path: Path) -> None:
    rows = ["id,time,symbol,side,stop_loss,take_profit,notional"]
    levels = ("99.5,105", "98,111", "99,112", "90,")
    rows += [f"s{number},{at_minute(1)},BTCUSDT,long,{pair},500" for number, pair in enumerate(levels)]
    rows += [f"t{number},{at_minute(1)},BTCUSDT,short,{pair},300" for number, pair in enumerate(("105,99", "112,98"))]
    signals = tmp_path / "ideas.csv"
    signals.write_text("\n".join([*rows, ""]), encoding="utf-8")
    told = (
        f"{c.open_ms},{c.open},{c.high},{c.low},{c.close},{c.volume}" for c in quiet_day() if c.open_ms < at_minute(39)
    )
    candles = tmp_path / "tape.csv"
    candles.write_text("\n".join(["time,open,high,low,close,volume", *told, ""]), encoding="utf-8")
    desk.at("1")
    desk.data("signal", "import", str(signals), "--open")
    desk.at("39.5")
    desk.data("watch", "--once")
    live = cast("Sequence[Mapping[str, Json]]", desk.data("trades", "--limit", "0", "-q")["items"])
    known = tmp_path / "known.json"
    desk("instruments", "BTCUSDT", "--save", str(known))
    files = ["--signals", str(signals), "--candles", f"BTCUSDT={candles}", "--instruments", str(known)]
    replayed = listed(desk.data("backtest", *files), "trades")
    expected = {str(section(trade, "signal")["external_id"]): [trade[name] for name in OUTCOME] for trade in live}
    found = {str(section(trade, "signal")["external_id"]): [trade[name] for name in OUTCOME] for trade in replayed}
    assert len(found) == 6
    assert {str(values[1]) for values in found.values()} == {"None", "stop_loss", "take_profit"}
    assert found == expected


def test_a_run_of_the_engine_needs_no_database_library(folder: Folder) -> None:
    code = (
        "import sys; from papertrade.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'sqlmodel', 'sqlalchemy', 'sqlite3', 'httpx', 'tenacity', 'yaml'} & set(sys.modules); "
        "sys.exit(repr((code, heavy)) if code or heavy else 0)"
    )
    done = in_python(code, ["backtest", *folder.files], folder)
    assert (done.code, done.err) == (0, "")


def in_python(code: str, args: Sequence[str], folder: Folder) -> Result:
    import os
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        env={**os.environ, **folder.environment},
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_many_symbols_are_summed_up(folder: Folder) -> None:
    symbols = [f"S{number}USDT" for number in range(6)]
    rows = [f"{symbol.lower()},1,{symbol},long,,,9,,1" for symbol in symbols]
    folder.signals.write_text(signals_text(*rows), encoding="utf-8")
    text = "".join([*candles_text("ETHUSDT").splitlines(keepends=True)[:4], "1795172400000,10,10,10,10,1\n"])
    for symbol in symbols:
        folder.write(f"{symbol}.csv", text)
    pattern = f"{folder.path}/{{symbol}}.csv"
    words = ["backtest", "--signals", str(folder.signals), "--candles", pattern]
    out = folder(*words, "--leverage", "2", "--max-open", "4", "--notional", "50", "--maker", "0", "--limit", "3").out
    told = " ".join(out.split())
    assert "candles and of 2 more symbols missing candles of S0USDT" in told
    assert ", and 3 more symbols: nothing is decided in there" in told
    assert "fees 0% maker, 0.1% taker, slippage 0 bps, leverage 2, notional 50 each, at most 4 open, 10000 USDT" in told
    assert "2 max_open, e.g. `ideas:s4usdt`" in told
    assert "Last 3 of 4 trades, --limit 0 for all, times in UTC\n" in out


def test_a_file_of_the_folder_that_cannot_be_replaced(folder: Folder) -> None:
    (folder.path / "out" / "trades.csv").mkdir(parents=True)
    result = folder.backtest("--out", str(folder.path / "out"), "--json")
    assert (result.code, result.error["code"]) == (6, "not_a_file")


def test_a_name_taken_meanwhile_is_refused_again(folder: Folder) -> None:
    thief = folder.write("thief.py", THIEF)
    words = ["backtest", "--strategy", str(thief), "--candles", f"BTCUSDT={folder.btc}", "--save", "mine"]
    env = {**folder.environment, "THIEF": json.dumps(["backtest", *folder.files, "--save", "mine", "-q"])}
    result = run([*words, "--json"], env)
    assert (result.code, result.error["code"]) == (6, "run_exists")


THIEF = """
import json, os
from tests.cli import run
done = []
def strategy(candles):
    if not done:
        done.append(run(json.loads(os.environ["THIEF"])).code)
        assert done == [0]
    return None
"""
