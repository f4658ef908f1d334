"""`long` and `short`: what they print, what they store, what they refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk
from tests.venue_faults import refuse


def test_a_long_says_what_it_costs_and_risks(desk: TradingDesk) -> None:
    assert desk.text("long", "btc/usdt", "--sl", "2%", "--tp", "2R", "--size", "1") == (
        "#1 open long 1 BTCUSDT at 100, stop 98, target 104, fee 0.10, free 9899.90 USDT\n"
        "   at stop 98: -2.20 USDT, at target 104: +3.80, costs included; 100.00 tied up\n"
    )


def test_a_default_size_is_capped_and_says_so(desk: TradingDesk) -> None:
    assert desk.text("short", "BTCUSDT", "--sl", "102") == (
        "#1 open short 20 BTCUSDT at 100, stop 102, fee 2.00, size capped, free 7998.00 USDT\n"
        "   at stop 102: -44.04 USDT, no target, costs included; 2000.00 tied up\n"
        "   size capped at 20% of the balance (sizing.max_notional); a size of your own is not\n"
    )


def test_an_entry_that_waits(desk: TradingDesk) -> None:
    args = ("short", "ETHUSDT", "--limit", "101", "--sl", "103", "--tp", "98:0.5", "--tp", "95:0.25", "--size", "2")
    assert desk.text(*args, "--expires", "2h") == (
        "#1 wait short 2 ETHUSDT limit 101, 202.20 tied up, free 9797.80 USDT\n"
        "   at stop 103: -4.41 USDT, at targets 98, 95: +5.70 with 0.5 left open, costs included; 202.20 tied up\n"
    )
    assert desk.trade(1)["expires_at"] == "2026-11-20T12:00:30.000Z"


def test_without_levels_nothing_is_promised(desk: TradingDesk) -> None:
    assert desk.text("long", "BTCUSDT", "--notional", "500").splitlines()[1] == "   no stop, no target; 500.00 tied up"


def test_a_short_without_a_stop_ends_at_its_liquidation(desk: TradingDesk) -> None:
    line = desk.text("short", "BTCUSDT", "--size", "1").splitlines()[1]
    assert line == "   at liquidation price 199.81: -100.10 USDT, no target, costs included; 100.00 tied up"


def test_a_dry_run_says_the_same_and_writes_nothing(desk: TradingDesk) -> None:
    args = ("long", "BTCUSDT", "--sl", "2%", "--tp", "2R", "--size", "1")
    dry = desk.text(*args, "--dry-run")
    (trade,) = cast("list[Mapping[str, Json]]", desk.data(*args, "--dry-run")["trades"])
    assert trade["dry_run"] is True
    assert (trade["id"], trade["signal"]) == (None, {"id": None, "source": "manual", "external_id": None})
    assert trade["outlook"] == {
        "loss_at_stop": "-2.198",
        "win_at_targets": "3.796",
        "left_after_targets": "0",
        "free_cash": "9899.9",
    }
    assert (desk.data("signal", "list")["total"], desk.data("trades")["total"]) == (0, 0)
    assert dry == f"dry run: {desk.text(*args)}"


def test_a_dry_run_that_is_refused_leaves_no_trace(desk: TradingDesk) -> None:
    assert desk.refusal("long", "BTCUSDT", "--sl", "105", "--dry-run")[0] == 6
    assert "refused" not in desk.text("log")


def test_every_word_reaches_the_trade(desk: TradingDesk) -> None:
    words = ("--tag", "breakout", "--tag", "news", "--reason", "it moves", "--confidence", "0.7", "--source", "me")
    (trade,) = cast(
        "list[Mapping[str, Json]]", desk.data("long", "BTCUSDT", "--risk", "1%", "--sl", "98", *words)["trades"]
    )
    assert (trade["tags"], trade["reason"], trade["confidence"]) == (["breakout", "news"], "it moves", "0.7")
    assert trade["signal"] == {"id": 1, "source": "me", "external_id": "1"}
    assert trade["quantity"] == "45.4959"  # 100 / (2 + 0.1 + 0.098)


PRESETS = [
    (("--preset", "swing"), "10 BTCUSDT at 100, stop 95, target 110 (50%), target 120 (50%)"),
    (("--preset", "swing", "--tp", "3R", "--sl", "99"), "10 BTCUSDT at 100, stop 99, target 103"),
    (("--preset", "swing", "--size", "2"), "2 BTCUSDT at 100, stop 95, target 110 (50%), target 120 (50%)"),
    (("--preset", "plain"), "0.5 BTCUSDT at 100, stop 98"),
    (("--preset", "cash"), "5 BTCUSDT at 100"),
    (("--preset", "lot"), "22.74795 BTCUSDT at 100, stop 98"),
    (("--preset", "bold"), "90.99181 BTCUSDT at 100, stop 98"),
]


@pytest.mark.parametrize(("words", "expected"), PRESETS)
def test_a_preset_holds_where_nothing_else_is_said(desk: TradingDesk, words: tuple[str, ...], expected: str) -> None:
    assert desk.text("long", "BTCUSDT", *words).startswith(f"#1 open long {expected}, fee ")


def test_a_preset_brings_its_expiry(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--limit", "90", "--preset", "swing")
    assert desk.trade(1)["expires_at"] == "2026-11-20T12:00:30.000Z"
    desk.text("long", "BTCUSDT", "--limit", "90", "--preset", "swing", "--expires", "30m")
    assert desk.trade(2)["expires_at"] == "2026-11-20T10:30:30.000Z"


WRONG_WORDS = [
    (
        ("--sl", "abc", "--tp", "1x", "--size", "0"),
        "--sl: `abc` is not a level: write a price `95`, a change `-2%` or risks `2R`\n"
        "--tp: `1x` is not a level: write a price `95`, a change `-2%` or risks `2R`\n"
        "--size: size `0` must be above 0",
    ),
    (("--sl", ""), "--sl is empty"),
    (("--size", " "), "--size is empty"),
    (("--tp", "110", "--tp", ""), "--tp is empty"),
    (("--limit", "99", "--stop", "101"), "--limit and --stop exclude each other"),
    (("--size", "1", "--risk", "1%"), "--risk: `size` is given too: choose one"),
    (("--stop", "x"), "--stop: `x` is not a plain decimal number"),
    (("--limit", "-1"), "--limit: `-1` is not a price: it must be above 0"),
    (("--sl", "2R"), "--sl: stop `2R` cannot be in risks: the stop defines the risk"),
    (("--tp", "2R"), "--tp: a target in risks (`2R`) needs a stop loss"),
    (("--tp", "110:0.7", "--tp", "120:0.7"), "--tp: fractions of the targets sum to `1.4`, more than 1"),
    (("--confidence", "2"), "--confidence: `2` must lie between 0 and 1"),
    (("--source", "a:b"), "--source: `a:b` must not contain a colon"),
    (
        ("--expires", "soon"),
        "--expires: `soon` is not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds",
    ),
    (("--preset", "none"), "--preset `none` does not exist"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_WORDS)
def test_wrong_words_are_named_with_their_option(desk: TradingDesk, words: tuple[str, ...], message: str) -> None:
    code, said = desk.refusal("long", "BTCUSDT", *words)
    assert (code, said.partition("\nhint: ")[0]) == (2, f"error: {message}")
    assert desk.data("signal", "list")["total"] == 0


def test_a_symbol_that_is_none(desk: TradingDesk) -> None:
    assert desk.refusal("short", "B T C") == (
        2,
        "error: SYMBOL: 'B T C' is not a symbol\nhint: papertrade short --help\n",
    )


REFUSED = [
    (
        ("BTCUSDT", "--sl", "105"),
        6,
        "stop `105` is above entry `100` for a long trade\n"
        "hint: the stop of a long trade must be below `100`, or papertrade short",
    ),
    (
        ("BTCUSDT", "--size", "1000"),
        6,
        "short of cash: it needs `100100` USDT, `10000` is free, short by `90100`\n"
        "hint: use --size 99.90009 or less, deposit, or close a trade",
    ),
    (
        ("BTCUSDT", "--size", "0.01"),
        6,
        "`0.01` BTC is under the minimum of BTCUSDT, `0.05`\nhint: use --size 0.05 or more (about 5 USDT)",
    ),
    (
        ("BTCUSDT", "--stop", "99", "--size", "1"),
        6,
        "stop entry `99` is already passed: the price is `100`\n"
        "hint: enter at market, or set the stop entry beyond the price",
    ),
    (
        ("BTCUSDT", "--limit", "90", "--expires", "2026-11-20T09:00:00Z"),
        6,
        "signal `manual:1` has expired",
    ),
    (
        ("BTCEUR",),
        6,
        "BTCEUR is priced in EUR, account `main` is in USDT\n"
        "hint: papertrade account create NAME --currency EUR, or set same_currency",
    ),
    (
        ("NOPEUSDT",),
        8,
        "`binance` does not know the symbol `NOPEUSDT`\n"
        "hint: write it as the venue does, base then quote, such as `BTCUSDT`",
    ),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_refusals_leave_no_signal_behind(desk: TradingDesk, words: tuple[str, ...], code: int, message: str) -> None:
    assert desk.refusal("long", *words) == (code, f"error: {message}\n")
    assert desk.data("signal", "list")["total"] == 0


def test_a_refusal_in_json_is_the_plain_envelope(desk: TradingDesk) -> None:
    envelope = desk("long", "BTCUSDT", "--size", "1000", "--json").envelope
    assert set(envelope) == {"success", "error", "timestamp"}
    assert envelope["error"] == {
        "code": "insufficient_funds",
        "message": "short of cash: it needs `100100` USDT, `10000` is free, short by `90100`",
        "hint": "use --size 99.90009 or less, deposit, or close a trade",
        "details": {
            "need": "100100",
            "have": "10000",
            "shortfall": "90100",
            "affordable": "99.90009",
            "reserved": "0",
        },
    }


def test_an_unknown_symbol_in_json_has_error_and_data(desk: TradingDesk) -> None:
    result = desk("long", "NOPEUSDT", "--json")
    assert (result.code, result.error["code"]) == (8, "unknown_symbol")
    data = cast("Mapping[str, list[Mapping[str, Json]]]", result.envelope["data"])
    assert (data["trades"], [item["code"] for item in data["refused"]]) == ([], ["unknown_symbol"])


def test_a_venue_that_is_down_is_exit_8_with_data(desk: TradingDesk) -> None:
    desk.server.always("*", refuse(403))
    result = desk("long", "BTCUSDT", "--size", "1", "--json")
    assert (result.code, result.envelope["data"]) == (8, {"trades": [], "refused": []})
    assert desk("long", "BTCUSDT", "--size", "1", "--no-catch-up", "--json").code == 8


def test_the_same_id_again_names_the_trade(desk: TradingDesk) -> None:
    first = ("long", "BTCUSDT", "--sl", "98", "--id", "7")
    desk.text(*first)
    error = desk(*first, "--json").error
    assert (error["code"], error["details"]) == (
        "duplicate_trade",
        {"trade_id": 1, "status": "open", "entry_price": "100"},
    )
    assert desk.refusal(*first) == (
        7,
        "error: signal `manual:7` already has trade `1`: open from `100`\nhint: papertrade show 1\n",
    )
    desk.text("close", "1")
    assert desk.text(*first).startswith("#2 open long")
    desk.text("close", "2")
    assert desk.refusal("long", "BTCUSDT", "--sl", "97", "--id", "7") == (
        6,
        "error: signal `manual:7` already exists with other content\n"
        "hint: papertrade signal show manual:7, or use another --id\n",
    )


def test_a_number_that_somebody_took_as_an_id_is_not_given_again(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--id", "2")
    desk.text("long", "BTCUSDT", "--size", "1", "--again")
    desk.text("long", "BTCUSDT", "--size", "1", "--id", "4")
    desk.text("long", "BTCUSDT", "--size", "1", "--id", "4-2")
    assert [desk.trade(n)["signal"] for n in (1, 2)] == [
        {"id": 1, "source": "manual", "external_id": "2"},
        {"id": 2, "source": "manual", "external_id": "2-2"},
    ]


def test_without_catching_up_the_trade_is_marked(desk: TradingDesk) -> None:
    assert ", unverified, free " in desk.text("long", "BTCUSDT", "--size", "1", "--no-catch-up")
    assert desk.trade(1)["flags"] == ["unverified"]


def test_what_the_catch_up_changed_is_told_on_stderr(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--sl", "98", "--tp", "104")
    desk("account", "create", "other", "--cash", "1000")
    result = desk.at("21.5")("long", "ETHUSDT", "--size", "1", "--account", "other")
    assert result.err == (
        "meanwhile #1 TARGET long 1 BTCUSDT 100 -> 104, net +3.80 (+1.90R) at 2026-11-20 10:20 UTC, in account main\n"
    )
    assert result.out.startswith("#2 open long 1 ETHUSDT at 110, ")


def test_a_trade_that_could_not_be_caught_up_stands_in_the_way(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1")
    desk.at("5").server.always("klines", refuse(403), symbol="BTCUSDT")
    assert desk("long", "ETHUSDT", "--size", "1").code == 8
    assert desk("long", "ETHUSDT", "--size", "1", "--no-catch-up").code == 0


def test_a_size_shrunk_to_the_free_cash_says_so(desk: TradingDesk) -> None:
    config = Path(desk.environment["PAPERTRADE_CONFIG"])
    config.write_text("on_short_cash: shrink\n", encoding="utf-8")
    assert desk.text("long", "BTCUSDT", "--size", "1000") == (
        "#1 open long 99.90009 BTCUSDT at 100, fee 9.99, shrunk, free 0.000991 USDT\n"
        "   no stop, no target; 9990.01 tied up\n"
        "   size shrunk to what the free cash pays for (on_short_cash: shrink)\n"
    )


# -- the same again ------------------------------------------------------------------------------------------------

SAME = ("long", "BTCUSDT", "--size", "1", "--sl", "90")


def test_the_same_again_within_a_minute_is_taken_for_a_slip(desk: TradingDesk) -> None:
    desk.text(*SAME)
    desk.server.now_ms += 12_000
    assert desk.refusal(*SAME) == (
        7,
        "error: the same was traded 12 s ago: trade `1`, open from `100`\nhint: --again trades it once more\n",
    )
    error = desk(*SAME, "--json").error
    assert (error["code"], error["details"]) == (
        "duplicate_trade",
        {"trade_id": 1, "status": "open", "entry_price": "100"},
    )
    assert desk(*SAME, "--dry-run").code == 7
    assert desk.text(*SAME, "--again").startswith("#2 open")


@pytest.mark.parametrize(
    "words",
    [
        ("short", "BTCUSDT", "--size", "1", "--sl", "110"),
        ("long", "ETHUSDT", "--size", "1", "--sl", "90"),
        ("long", "BTCUSDT", "--size", "2", "--sl", "90"),
        ("long", "BTCUSDT", "--size", "1", "--sl", "91"),
        ("long", "BTCUSDT", "--size", "1", "--sl", "90", "--tp", "120"),
        ("long", "BTCUSDT", "--size", "1", "--sl", "90", "--limit", "95"),
        ("long", "BTCUSDT", "--size", "1", "--sl", "90", "--id", "mine"),
        ("long", "BTCUSDT", "--size", "1", "--sl", "90", "--leverage", "2"),
        ("buy", "BTCUSDT", "--quantity", "1"),
    ],
)
def test_another_trade_is_no_slip(desk: TradingDesk, words: Sequence[str]) -> None:
    desk.text(*SAME)
    assert desk.text(*words).startswith("#2")


def test_the_same_for_another_reason_is_a_slip_all_the_same(desk: TradingDesk) -> None:
    desk.text(*SAME, "--reason", "breakout", "--tag", "a")
    assert desk(*SAME, "--reason", "news").code == 7
    limit = ("long", "BTCUSDT", "--limit", "90", "--expires", "2h")
    desk.text(*limit)
    desk.server.now_ms += 5_000
    assert desk(*limit).code == 7
    assert desk.text(*limit[:-1], "3h").startswith("#3 wait")


def test_after_a_minute_in_another_account_or_after_a_void_it_is_a_new_trade(desk: TradingDesk) -> None:
    desk.text(*SAME)
    desk("account", "create", "second", "--cash", "1000")
    assert desk.text(*SAME, "--account", "second").startswith("#2 open")
    desk.text("void", "1", "--reason", "slip")
    assert desk.text(*SAME).startswith("#3 open")
    desk.server.now_ms += 60_001
    assert desk.text(*SAME).startswith("#4 open")


def test_plain_orders_and_the_form_for_scripts_are_asked_too(desk: TradingDesk) -> None:
    buy = ("buy", "BTCUSDT", "--quantity", "1")
    form = ("open", "--symbol", "BTCUSDT", "--side", "long", "--size", "3")
    for words in (buy, form):
        desk.text(*words)
        assert desk(*words).code == 7
        assert desk(*words, "--again").code == 0
