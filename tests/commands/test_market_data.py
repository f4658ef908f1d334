"""`price`, `candles` and `instruments`: what the venue shows, what is cached, and what happens to bad symbols."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import pytest

from papertrade.feeds.instrument_files import read_instruments
from tests.commands.days import Days
from tests.commands.trading_desk import TradingDesk
from tests.venue_faults import Fault

UNKNOWN = "`binance` does not know the symbol"


def test_prices(days: Days) -> None:
    result = days.run("price", "btc/usdt", "ETHUSDT", "BTC-USDT")
    assert (result.err, result.code) == ("", 0)
    assert result.out == (
        "Symbol    Last     Bid     Ask  Spread  Age\n"
        "-------------------------------------------\n"
        "BTCUSDT  108.5  108.49  108.51  0.018%   0s\n"
        "ETHUSDT    9.7    9.69    9.71  0.206%   0s\n"
    )
    assert days.run("price", "ETHUSDT", "--csv").out.splitlines() == [
        "symbol,venue,price,bid,ask,at",
        "ETHUSDT,binance,9.7,9.69,9.71,2026-11-20T10:00:00.000Z",
    ]
    assert days.run("price", "ETHUSDT", "--json").envelope["data"] == {
        "items": [
            {
                "symbol": "ETHUSDT",
                "venue": "binance",
                "price": "9.7",
                "bid": "9.69",
                "ask": "9.71",
                "at": "2026-11-20T10:00:00.000Z",
                "age_seconds": 0,
            }
        ],
        "total": 1,
        "failures": [],
    }


def test_a_stored_price_serves_while_it_is_young_enough(days: Days) -> None:
    days.run("price", "BTCUSDT")
    days.clock.at_ms += 20_000
    days.server.clear()
    kept = days.run("price", "BTCUSDT", "--max-age", "30s")
    assert kept.out.splitlines()[2].endswith("20s")
    assert days.server.count() == 0
    days.run("price", "BTCUSDT", "--max-age", "10s")
    assert days.server.count("ticker/price") == 1
    assert days.run("price", "BTCUSDT", "--max-age", "soon").code == 2


def test_one_symbol_that_fails_is_its_own_error(days: Days) -> None:
    result = days.run("price", "DOGEUSDT")
    assert (result.code, result.out) == (8, "")
    assert result.err.startswith(f"error: {UNKNOWN} `DOGEUSDT`\n")
    assert days.run("price", "DOGEUSDT", "--json").error["code"] == "unknown_symbol"


def test_some_that_fail_do_not_hide_the_others(days: Days) -> None:
    result = days.run("price", "BTCUSDT", "DOGEUSDT")
    assert result.code == 10
    assert result.out.splitlines()[2].startswith("BTCUSDT")
    assert result.err == f"error: 1 of 2 symbols failed: {UNKNOWN} `DOGEUSDT`\n"
    envelope = days.run("price", "BTCUSDT", "DOGEUSDT", "--json").envelope
    assert envelope["data"]["failures"] == [  # type: ignore[index, call-overload]
        {"symbol": "DOGEUSDT", "code": "unknown_symbol", "message": f"{UNKNOWN} `DOGEUSDT`"}
    ]


def test_all_that_fail_for_one_reason_keep_its_code(days: Days) -> None:
    result = days.run("price", "DOGEUSDT", "PEPEUSDT", "--json")
    assert (result.code, result.error["code"]) == (8, "unknown_symbol")


def test_a_venue_that_is_down_leaves_what_is_young_enough(days: Days) -> None:
    days.run("price", "BTCUSDT")
    days.server.always("*", Fault(status=503))
    down = days.run("price", "BTCUSDT", "ETHUSDT", "--max-age", "0s")
    assert down.code == 8
    days.server.clear()
    days.run("price", "BTCUSDT")
    days.clock.at_ms += 5_000
    days.server.always("*", Fault(status=503))
    some = days.run("price", "BTCUSDT", "SOLUSDT", "--max-age", "30s")
    assert some.code == 10
    assert some.out.splitlines()[2].startswith("BTCUSDT")


def test_without_a_book_bid_and_ask_are_unknown(days: Days) -> None:
    days.server.always("ticker/bookTicker", Fault(status=404, body=b"<html>"))
    assert days.run("price", "ETHUSDT").out.splitlines()[2] == "ETHUSDT   9.7    -    -       -   0s"


@pytest.mark.parametrize("command", ["price", "candles", "instruments"])
def test_what_is_no_symbol(days: Days, command: str) -> None:
    result = days.run(command, "b t c")
    assert (result.code, result.err) == (
        2,
        "error: `b t c` is not a symbol\nhint: write it as the venue does: BTCUSDT, or BTC/USDT\n",
    )


def test_candles(days: Days) -> None:
    days.at_ms += 30_000
    assert days.run("candles", "BTCUSDT", "--limit", "2").out == (
        "BTCUSDT 1m, UTC       Open   High    Low  Close  Volume\n"
        "----------------------------------------------------------------\n"
        "2026-11-20 09:59:00  108.5  108.5  108.5  108.5       3\n"
        "2026-11-20 10:00:00  108.5  108.5  108.5  108.5     1.5  forming\n"
    )
    assert days.run("candles", "BTCUSDT", "--limit", "2", "--interval", "1h", "--csv").out.splitlines() == [
        "time,open,high,low,close,volume",
        "2026-11-20T08:00:00.000Z,108.5,108.5,108.5,108.5,180",
        "2026-11-20T09:00:00.000Z,108.5,108.5,108.5,108.5,180",
    ]
    data = days.run("candles", "BTCUSDT", "--limit", "2", "--json").envelope["data"]
    assert isinstance(data, dict)
    assert (data["symbol"], data["interval"], data["total"]) == ("BTCUSDT", "1m", 2)
    assert [candle["final"] for candle in data["items"]] == [True, False]


@pytest.mark.parametrize(
    ("args", "code", "error"),
    [
        (
            ("BTCUSDT", "--interval", "7m"),
            2,
            "error: --interval `7m` is not known\nhint: one of 1s, 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d\n",
        ),
        (("DOGEUSDT",), 8, f"error: {UNKNOWN} `DOGEUSDT`\n"),
        (("BTCUSDT", "--interval", "1s"), 8, "error: `binance` has no candles of `1s` for `BTCUSDT`\n"),
    ],
)
def test_candles_that_cannot_be_had(days: Days, args: tuple[str, ...], code: int, error: str) -> None:
    result = days.run("candles", *args)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(error)


def test_a_symbol_without_candles_in_this_time(days: Days) -> None:
    days.server.always("klines", Fault(body=b"[]"))
    assert days.run("candles", "BTCUSDT").out == "the venue has no 1m candles of BTCUSDT in this time\n"


def test_instruments(days: Days) -> None:
    assert days.run("instruments", "BTCUSDT").out == (
        "Symbol   Base  Quote  Price step  Quantity step  Min quantity  Min notional  Hours  State    Age\n"
        "------------------------------------------------------------------------------------------------\n"
        "BTCUSDT  BTC   USDT         0.01         0.0001    0.00000001             5  24/7   trading   0s\n"
    )
    asked = days.server.count("exchangeInfo")
    days.run("instruments", "BTCUSDT")
    assert days.server.count("exchangeInfo") == asked
    days.run("instruments", "BTCUSDT", "--max-age", "0s")
    assert days.server.count("exchangeInfo") == asked + 1


def test_the_instruments_that_were_ever_looked_up(days: Days, first_day: Days) -> None:
    assert [line.split()[0] for line in days.run("instruments").out.splitlines()[2:]] == ["BTCUSDT", "ETHUSDT"]
    rows = days.run("instruments", "--csv").out.splitlines()
    assert rows[1].startswith("BTCUSDT,binance,BTC,USDT,0.01,0.0001,0.00000001,9000000,5,9000000,24/7,true,")
    assert first_day.run("instruments", "-q").out == (
        "no instrument was looked up yet: papertrade instruments BTCUSDT\n"
    )


def test_instruments_of_a_venue_that_is_down_are_the_stored_ones(days: Days) -> None:
    days.server.always("*", Fault(status=503))
    old = days.run("instruments", "BTCUSDT")
    assert (old.code, old.out.splitlines()[2].split()[-1]) == (0, "22h")
    some = days.run("instruments", "BTCUSDT", "DOGEUSDT")
    assert some.code == 10
    assert days.run("instruments", "DOGEUSDT").code == 8
    days.server.clear()
    assert days.run("instruments", "BTCUSDT", "DOGEUSDT").code == 10


def test_the_order_book(desk: TradingDesk) -> None:
    desk.server.depths["BTCUSDT"] = ([("99.5", "2"), ("99", "5")], [("100.5", "1"), ("101", "4"), ("102", "10")])
    assert desk.text("book", "btc/usdt", "--depth", "2") == (
        "Total  Bid size   Bid    Ask  Ask size  Total\n"
        "---------------------------------------------\n"
        "    2         2  99.5  100.5         1      1\n"
        "    7         5    99    101         4      5\n"
        "BTCUSDT: spread 1 (0.995%)\n"
    )
    assert desk.data("book", "BTCUSDT", "--depth", "1") == {
        "symbol": "BTCUSDT",
        "venue": "binance",
        "at": "2026-11-20T10:00:30.000Z",
        "bids": [{"price": "99.5", "quantity": "2", "total": "2"}],
        "asks": [{"price": "100.5", "quantity": "1", "total": "1"}],
        "spread": "1",
        "spread_percent": "0.99502488",
    }
    assert desk.text("book", "BTCUSDT", "--depth", "1", "--csv") == (
        "side,level,price,quantity,total\r\nbid,1,99.5,2,2\r\nask,1,100.5,1,1\r\n"
    )


def test_an_order_book_that_cannot_be_had(desk: TradingDesk) -> None:
    assert desk.refusal("book", "NOPE") == (
        8,
        f"error: {UNKNOWN} `NOPE`\nhint: write it as the venue does, base then quote, such as `BTCUSDT`\n",
    )
    desk.server.depths["BTCUSDT"] = ([("101", "2")], [("100.5", "1")])
    assert desk("book", "BTCUSDT").err == (
        "error: `binance` sent a bad order book of `BTCUSDT`: the book is crossed: bid `101` is not below ask `100.5`\n"
    )
    desk.server.depths["BTCUSDT"] = ([], [])
    assert desk.text("book", "BTCUSDT") == "BTCUSDT: spread -\n"
    assert desk("book", "BTCUSDT", "--depth", "0").code == 2


def test_what_moved_in_a_day(desk: TradingDesk) -> None:
    desk.at("21")
    shown = desk.text("movers", "--turnover", "1000")
    assert shown == (
        "Risers in USDT, of 2\n"
        "Symbol      24 h  Last  High  Low   Turnover\n"
        "--------------------------------------------\n"
        "BTCUSDT  +10.00%   110   111   99  100000.00\n"
        "ETHUSDT  +10.00%   110   111   99  100000.00\n"
        "\n"
        "Fallers: none\n"
        "\n"
    )
    data = desk.data("movers", "--turnover", "1000", "--limit", "1", "--currency", "eur")
    assert (data["currency"], data["total"], data["fallers"]) == ("EUR", 1, [])
    assert desk.text("movers", "--csv", "--turnover", "0").splitlines()[0] == (
        "symbol,price,change_percent,high,low,turnover"
    )
    assert desk.text("movers").startswith("Risers: none")
    assert desk.refusal("movers", "--turnover", "-5") == (2, "error: --turnover `-5` must not be below 0\n")


def test_orders_at_once_walk_the_book(desk: TradingDesk) -> None:
    desk.server.depths["BTCUSDT"] = ([("99.5", "2"), ("99", "5")], [("100.5", "1"), ("101", "4")])
    with patch.dict(desk.environment, {"PAPERTRADE_COSTS__SLIPPAGE": "book"}):
        assert desk.text("long", "BTCUSDT", "--size", "3", "--sl", "90").startswith("#1 open long 3 BTCUSDT at 100.84,")
        assert ", thin book," in desk.text("long", "BTCUSDT", "--size", "30", "--sl", "90")
        assert desk.text("close", "1").startswith("#1 closed long 3 BTCUSDT 100.84 -> 99.33,")
        desk.text("buy", "BTCUSDT", "--quantity", "2")
        assert desk.text("sell", "BTCUSDT", "--all").startswith("#3 closed long 2 BTCUSDT 100.75 -> 99.5,")
        desk.server.always("depth", Fault(status=503, body=b""))
        assert desk("close", "2").code == 8
    assert desk("check").code == 0


def test_the_rules_of_instruments_are_saved_for_backtests(days: Days, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    saved = days.run("instruments", "BTCUSDT", "ETHUSDT", "--save", str(path))
    assert (saved.code, saved.err) == (0, f"saved 2 instruments in {path}\n")
    assert saved.out.splitlines()[2].startswith("BTCUSDT")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert (lines[0], lines[-1], [json.loads(line.rstrip(","))["symbol"] for line in lines[1:-1]]) == (
        "[",
        "]",
        ["BTCUSDT", "ETHUSDT"],
    )
    shown = days.run("instruments", "BTCUSDT", "ETHUSDT", "--json").envelope["data"]
    assert json.loads(path.read_text(encoding="utf-8")) == shown["items"]  # type: ignore[index, call-overload]
    assert {known.symbol: known.price_step for known in read_instruments(path)} == {
        "BTCUSDT": Decimal("0.01"),
        "ETHUSDT": Decimal("0.001"),
    }


def test_a_file_of_instruments_is_whole_or_not_written(days: Days, first_day: Days, tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    none = first_day.run("instruments", "--save", str(path), "-q")
    assert (none.code, none.err) == (
        6,
        "error: no instrument was looked up yet, so there is nothing to save\n"
        f"hint: papertrade instruments BTCUSDT --save {path}\n",
    )
    some = days.run("instruments", "BTCUSDT", "DOGEUSDT", "--save", str(path))
    assert (some.code, some.err.splitlines()[0]) == (10, f"{path} was not written: not all of them are known")
    assert not path.exists()
    path.write_text("mine", encoding="utf-8")
    taken = days.run("instruments", "--save", str(path))
    assert (taken.code, taken.err) == (
        6,
        f"error: `{path}` already exists\nhint: give another name, or --force\n",
    )
    assert days.run("instruments", "--save", str(path), "--force").code == 0
    assert len(read_instruments(path)) == 2
