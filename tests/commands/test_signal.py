"""`signal add · import · list · show · cancel`: ideas written down, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk
from tests.venue_faults import refuse

GOOD = "id,symbol,side,stop_loss,take_profit,size\n1,BTCUSDT,long,98,104,1\n2,ETHUSDT,short,103,,2\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of two good signals."""
    path = tmp_path / "ideas.csv"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_adding_asks_no_venue(desk: TradingDesk) -> None:
    desk.server.always("*", refuse(403))
    words = ("--limit", "95", "--sl", "2%", "--tp", "2R:0.5", "--risk", "1%", "--expires", "1d")
    assert desk.text("signal", "add", "btcusdt", "buy", *words) == (
        "signal 1 added: manual:1 long BTCUSDT limit 95, stop 2%, target 2R:0.5, size 1% risk\n"
    )


def test_adding_twice(desk: TradingDesk) -> None:
    first = ("signal", "add", "BTCUSDT", "long", "--sl", "2%", "--source", "s", "--id", "1", "--expires", "2h")
    desk.text(*first)
    assert desk.at("7").text(*first) == "signal 1 is known already: s:1 long BTCUSDT market, stop 2%\n"
    assert desk.data(*first)["known"] == 1
    assert desk.refusal("signal", "add", "BTCUSDT", "short", "--source", "s", "--id", "1") == (
        6,
        "error: signal `s:1` already exists with other content\n"
        "hint: papertrade signal show s:1, or use another --id\n",
    )


def test_f32_a_file_is_imported_once(desk: TradingDesk, file: Path) -> None:
    assert desk.text("signal", "import", str(file)) == "2 new, 0 known\n"
    assert desk.at("3").text("signal", "import", str(file)) == "0 new, 2 known\n"
    assert desk.data("signal", "import", str(file)) == {"new": 0, "known": 2, "signals": [1, 2]}


def test_from_stdin(desk: TradingDesk) -> None:
    assert desk.text("signal", "import", "-", stdin=GOOD) == "2 new, 0 known\n"
    assert desk.text("signal", "import", "-", "--source", "scanner", stdin=GOOD) == "2 new, 0 known\n"
    items = cast("Sequence[Mapping[str, Json]]", desk.data("signal", "list")["items"])
    assert [item["source"] for item in items] == ["scanner", "scanner", "stdin", "stdin"]
    bad = desk("signal", "import", "-", stdin="symbol,side\nBTCUSDT,up\n")
    assert (bad.code, bad.err.splitlines()[1]) == (
        4,
        "stdin line 2, side: `up` is not a side, expected long, short, buy or sell",
    )


def test_all_bad_rows_and_nothing_imported(desk: TradingDesk, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("symbol,side,stop_loss\nBTCUSDT,lng,98\nBTCUSDT,long,98\n,long,x\n", encoding="utf-8")
    assert desk.refusal("signal", "import", str(bad)) == (
        4,
        "error: 2 bad rows in bad.csv, nothing was imported\n"
        "bad.csv line 2, side: `lng` is not a side, expected long, short, buy or sell\n"
        "bad.csv line 4, symbol: is missing\n"
        "bad.csv line 4, stop_loss: `x` is not a level: write a price `95`, a change `-2%` or risks `2R`\n",
    )
    assert desk.data("signal", "list")["total"] == 0


def test_a_known_id_with_other_content_is_a_bad_row(desk: TradingDesk, file: Path) -> None:
    desk.text("signal", "import", str(file))
    file.write_text(GOOD.replace("98", "97").replace("1,BTC", "3,BTC") + "1,BTCUSDT,long,97,,1\n", encoding="utf-8")
    assert desk.refusal("signal", "import", str(file)) == (
        4,
        "error: 1 bad row in ideas.csv, nothing was imported\n"
        "ideas.csv line 4, id: `ideas:1` is known already, with other content\n",
    )
    assert desk.data("signal", "list")["total"] == 2


def test_importing_and_trading_at_once(desk: TradingDesk, file: Path) -> None:
    desk.server.always("*", refuse(403))
    failed = desk("signal", "import", str(file), "--open", "--json")
    assert (failed.code, failed.envelope["data"]) == (8, {"new": 2, "known": 0, "trades": [], "refused": []})
    assert failed.err == "imported: 2 new, 0 known; nothing was opened\n"
    desk.server.clear()
    desk.text("signal", "add", "BTCUSDT", "long", "--size", "1")
    assert desk.text("signal", "import", str(file), "--open") == (
        "0 new, 2 known\n"
        "#1 open long 1 BTCUSDT at 100, stop 98, target 104, fee 0.10, free 9899.90 USDT\n"
        "   at stop 98: -2.20 USDT, at target 104: +3.80, costs included; 100.00 tied up\n"
        "#2 open short 2 ETHUSDT at 100, stop 103, fee 0.20, free 9699.70 USDT\n"
        "   at stop 103: -6.41 USDT, no target, costs included; 200.00 tied up\n"
    )
    again = desk("signal", "import", str(file), "--open")
    assert (again.code, again.out, again.err) == (0, "0 new, 2 known\n", "nothing new to open\n")


def test_one_imported_signal_that_is_refused(desk: TradingDesk) -> None:
    text = "id,symbol,side,size\n1,BTCUSDT,long,1000\n"
    result = desk("signal", "import", "-", "--open", "--json", stdin=text)
    assert (result.code, result.error["code"]) == (6, "insufficient_funds")
    assert cast("Mapping[str, Json]", result.envelope["data"])["new"] == 1
    shown = desk("signal", "import", "-", "--open", stdin=text)
    assert shown.out.startswith("0 new, 1 known\nrefused long BTCUSDT stdin:1: short of cash: ")


def test_what_became_of_each(desk: TradingDesk) -> None:
    for name, words in (("live", ()), ("gone", ()), ("off", ()), ("late", ("--expires", "1m")), ("new", ())):
        desk.text("signal", "add", "BTCUSDT", "long", "--size", "1", "--source", "s", "--id", name, *words)
    desk.text("open", "s:live", "s:gone")
    desk.text("close", "2")
    desk.text("signal", "cancel", "s:off")
    assert desk.at("2").text("signal", "list") == (
        "No  Signal  Status     Side  Symbol   Entry   Stop  Targets  Made UTC     Trades\n"
        "--------------------------------------------------------------------------------\n"
        " 5  s:new   new        long  BTCUSDT  market  -     -        11-20 10:00  -\n"
        " 4  s:late  expired    long  BTCUSDT  market  -     -        11-20 10:00  -\n"
        " 3  s:off   cancelled  long  BTCUSDT  market  -     -        11-20 10:00  -\n"
        " 2  s:gone  traded     long  BTCUSDT  market  -     -        11-20 10:00  #2\n"
        " 1  s:live  live       long  BTCUSDT  market  -     -        11-20 10:00  #1\n"
    )
    picked = desk.data("signal", "list", "--status", "live,traded,new", "--limit", "1", "--before", "5")
    items = cast("Sequence[Mapping[str, Json]]", picked["items"])
    assert ([item["id"] for item in items], picked["total"]) == ([2], 3)
    assert desk.data("signal", "list", "--source", "x", "--symbol", "btc-usdt", "--status", "all")["total"] == 0
    page = desk("signal", "list", "--limit", "2", "--csv")
    assert page.out.splitlines()[1].startswith("5,s,new,new,BTCUSDT,long,market,,,,1,2026-11-20T10:00:30.000Z,")
    assert page.err == "2 of 5 shown; --limit 0 shows all, --before 4 the next page\n"


def test_the_list_says_that_live_trades_are_behind(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1")
    assert "last caught up" in desk.at("60")("signal", "list").err
    assert desk("signal", "list", "-q").err == ""


def test_an_empty_list(desk: TradingDesk) -> None:
    assert desk.text("signal", "list") == "no signals\n"
    assert desk.refusal("signal", "list", "--status", "open") == (
        2,
        "error: --status `open` is not known\nhint: one of live, cancelled, traded, expired, new, all\n",
    )


def test_one_in_full(desk: TradingDesk) -> None:
    words = ("--stop", "120", "--sl", "2%", "--tp", "2R:0.5", "--notional", "50", "--expires", "1d", "--tag", "a")
    about = ("--reason", "[red]it\x1b[2J moves", "--confidence", "0.7", "--source", "s", "--id", "x")
    desk.text("signal", "add", "BTCUSDT", "long", *words, *about)
    desk.text("open", "s:x")
    desk.text("note", "s:x", "watch it")
    assert desk.text("signal", "show", "s:x") == (
        "signal 1  s:x  live\n"
        "  trade       long BTCUSDT stop 120\n"
        "  stop loss   2%\n"
        "  take profit 2R:0.5\n"
        "  size        50 notional\n"
        "  made        2026-11-20 10:00 UTC\n"
        "  expires     2026-11-21 10:00 UTC\n"
        "  confidence  0.7\n"
        "  reason      [red]it\\u{1b}[2J moves\n"
        "  tags        a\n"
        "  trades      #1 pending\n"
        "  note        2026-11-20 10:00 UTC  watch it\n"
    )
    shown = desk.data("signal", "show", "1")
    assert shown["size"] == {"kind": "notional", "value": "50"}
    assert shown["take_profits"] == [{"level": "2R", "fraction": "0.5"}]
    assert shown["trades"] == [{"id": 1, "status": "pending"}]
    assert cast("Sequence[Mapping[str, Json]]", shown["notes"])[0]["text"] == "watch it"


def test_withdrawing(desk: TradingDesk) -> None:
    desk.text("signal", "add", "BTCUSDT", "long", "--limit", "90", "--size", "1", "--source", "s", "--id", "x")
    assert desk.text("signal", "cancel", "s:x") == "signal 1 cancelled: s:x long BTCUSDT limit 90, size 1\n"
    assert desk.text("signal", "cancel", "1") == "signal 1 was cancelled already: s:x long BTCUSDT limit 90, size 1\n"
    assert desk.refusal("signal", "cancel", "2")[0] == 5
    desk.text("open", "s:x")
    assert desk.refusal("signal", "cancel", "s:x") == (
        6,
        "error: signal `s:x` has trade `1`, pending, in account `main`\nhint: papertrade cancel 1 --account main\n",
    )
    desk.text("cancel", "1")
    assert desk("signal", "cancel", "s:x").code == 0


def test_a_source_that_cannot_be(desk: TradingDesk, file: Path) -> None:
    assert desk.refusal("signal", "import", str(file), "--source", "a:b") == (
        2,
        "error: --source `a:b` must not be blank or contain a colon\n",
    )
    assert desk.refusal("signal", "import", "nowhere.csv") == (
        4,
        "error: `nowhere.csv` cannot be read: no such file or directory\n",
    )
