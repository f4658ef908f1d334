"""`price`, `candles` and `instruments`: what the venue shows, what is cached, and what happens to bad symbols."""

from __future__ import annotations

import pytest

from tests.commands.days import Days
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
