"""`close`, `cancel`, `modify`: by hand, after catching up; what had ended before is refused with what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk
from tests.venue_faults import refuse


@pytest.fixture
def held(desk: TradingDesk) -> TradingDesk:
    """A desk with one long of 1 BTCUSDT from 100, stop 90, target 110."""
    desk.text("long", "BTCUSDT", "--size", "1", "--sl", "90", "--tp", "110")
    return desk


def test_a_close_at_the_market(held: TradingDesk) -> None:
    assert (
        held.text("close", "BTCUSDT") == "#1 closed long 1 BTCUSDT 100 -> 100, net -0.20 (-0.02R), free 9999.80 USDT\n"
    )


def test_a_part(held: TradingDesk) -> None:
    expected = "#1 closed long 0.25 BTCUSDT 100 -> 100, net -0.05, 0.75 left, free 9924.88 USDT\n"
    assert held.text("close", "#1", "--fraction", "25%") == expected
    assert held.data("close", "1", "--fraction", "0.5")["refused"] == []
    assert held.trade(1)["open_quantity"] == "0.375"


WHOLES: Sequence[tuple[str, str, Mapping[str, Json]]] = [
    (
        "0.01",
        "closed all of it: `0.01` alone is under the minimum of BTCUSDT",
        {"asked": "0.01", "left": "0.99", "too_small": "asked"},
    ),
    (
        "99%",
        "closed all of it: the `0.01` left would be under the minimum of BTCUSDT",
        {"asked": "0.99", "left": "0.01", "too_small": "left"},
    ),
    (
        "0.000001",
        "closed all of it: that part is less than one step of BTCUSDT",
        {"asked": "0", "left": "1", "too_small": "asked"},
    ),
]


@pytest.mark.parametrize(("fraction", "remark", "told"), WHOLES)
def test_a_part_that_cannot_leave_alone_says_why_all_left(
    held: TradingDesk, fraction: str, remark: str, told: Mapping[str, Json]
) -> None:
    closed = "#1 closed long 1 BTCUSDT 100 -> 100, net -0.20 (-0.02R), free 9999.80 USDT\n"
    assert held.text("close", "1", "--fraction", fraction) == f"{closed}   {remark}\n"
    held.text("long", "BTCUSDT", "--size", "1", "--again")
    (trade,) = cast("Sequence[Mapping[str, Json]]", held.data("close", "2", "--fraction", fraction)["trades"])
    assert (trade["status"], trade["closed_all"]) == ("closed", told)


def test_a_part_that_leaves_and_a_whole_that_was_asked_for_have_no_such_remark(held: TradingDesk) -> None:
    for fraction in ("0.5", "1"):
        (trade,) = cast("Sequence[Mapping[str, Json]]", held.data("close", "1", "--fraction", fraction)["trades"])
        assert trade["closed_all"] is None


def test_a_reason_is_told_by_the_line_the_log_the_life_and_the_explanation(held: TradingDesk) -> None:
    said = {
        held.text("modify", "1", "--sl", "91", "--reason", "news at noon").splitlines()[0]: "(news at noon)",
        held.text("close", "1", "--fraction", "0.5", "--reason", "nerves").strip(): "(nerves)",
        held.text("close", "--all", "--reason", "flat by night").strip(): "(flat by night)",
    }
    assert all(line.partition(", free")[0].endswith(reason) for line, reason in said.items())
    shown = " ".join(held.text("show", "1").split())
    log, told = held.text("log"), held.text("explain", "1")
    for reason in ("news at noon", "nerves", "flat by night"):
        assert f"({reason})" in log
        assert f"({reason})" in shown
        assert f"  why        {reason}\n" in told
    data = held.data("explain", "1")
    exits = cast("Sequence[Mapping[str, Json]]", data["exits"])
    (change,) = cast("Sequence[Mapping[str, Json]]", data["changes"])
    assert [left["why"] for left in exits] == ["nerves", "flat by night"]
    assert (change["why"], change["from"], change["text"]) == (
        "news at noon",
        "2026-11-20T10:01:00.000Z",
        "stop 91, target 110",
    )
    assert cast("Mapping[str, Json]", change["levels"])["stop_loss"] == "91"
    assert held("check").code == 0


def test_a_reason_of_what_waits(held: TradingDesk) -> None:
    held.text("long", "ETHUSDT", "--size", "1", "--limit", "90")
    held.text("modify", "2", "--sl", "85", "--reason", "support")
    held.text("cancel", "--all", "--reason", "weekend")
    told = held.text("explain", "2")
    assert told.index("why        support") < told.index("why        weekend")
    assert cast("Mapping[str, Json]", held.data("explain", "2")["ended"])["reason"] == "weekend"
    held.text("account", "reset", "--yes")
    assert "(account reset)" in held.text("show", "1")


def test_a_stop_that_was_not_seen_comes_first(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--sl", "99.5")
    result = desk.at("21.5")("close", "1")
    assert (result.code, result.out, result.err) == (
        6,
        "",
        "meanwhile #1 STOP long 1 BTCUSDT 100 -> 99.5, net -0.6995 (-1.40R) at 2026-11-20 10:20 UTC\n"
        "error: trade `1` already ended: stop `99.5` at 10:20 UTC\n"
        "hint: papertrade show 1\n",
    )
    again = desk("close", "1", "-q", "--json").error
    assert (again["code"], again["details"]) == (
        "already_ended",
        {
            "trade_id": 1,
            "status": "closed",
            "exit_reason": "stop_loss",
            "exit_price": "99.5",
            "last_exit_price": "99.5",
            "closed_at": "2026-11-20T10:20:59.999Z",
        },
    )


def test_the_line_says_that_the_forming_minute_had_touched_a_level(held: TradingDesk) -> None:
    assert held.at("20.6").text("close", "1", "--fraction", "0.5") == (
        "#1 closed long 0.5 BTCUSDT 100 -> 111, net +5.39, 0.5 left, free 9955.34 USDT\n"
        "   the minute still forming had already touched the target 110: it will settle what is left\n"
    )
    held.server.now_ms += 5_000
    assert held.text("modify", "1", "--tp", "120").splitlines()[1:] == [
        "   rules from 2026-11-20 10:21 UTC on",
        "   the minute still forming had already touched the target 110: the older levels rule it",
    ]
    (trade,) = cast("Sequence[Mapping[str, Json]]", held.data("close", "1", "-q")["trades"])
    assert trade["forming_touch"] == {"level": "110", "exit_reason": "take_profit"}


def test_a_cancel_says_that_the_forming_minute_had_touched_the_entry(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--limit", "99.5")
    assert desk.at("20.6").text("cancel", "BTCUSDT") == (
        "#1 cancelled long 1 BTCUSDT cancelled by hand, free 10000.00 USDT\n"
        "   the minute still forming had already touched the entry 99.5\n"
    )


def test_a_price_of_ones_own(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1")
    desk.at("60")
    assert desk.refusal("close", "1")[0] == 9
    assert desk.text("close", "1", "--price", "95.5") == (
        "#1 closed long 1 BTCUSDT 100 -> 95.5, net -4.70, off market, free 9995.30 USDT\n"
    )


def test_without_a_venue_force_acts_on_what_is_stored(held: TradingDesk) -> None:
    held.server.always("*", refuse(403))
    code, said = held.refusal("close", "1")
    assert (code, said.endswith("--no-catch-up acts on what is stored\n")) == (8, True)
    part = held("close", "1", "--fraction", "0.5", "--no-catch-up")
    assert (part.code, ", unverified, " in part.out) == (0, True)
    result = held("close", "1", "--price", "100", "--no-catch-up")
    assert (result.code, ", unverified, off market, " in result.out or ", off market, unverified, " in result.out) == (
        0,
        True,
    )


def test_a_symbol_whose_candles_fail_is_exit_8_with_data(held: TradingDesk) -> None:
    held.at("5").server.always("klines", refuse(403), symbol="BTCUSDT")
    result = held("close", "1", "--json")
    assert result.code == 8
    data = cast("Mapping[str, Sequence[Mapping[str, Json]]]", result.envelope["data"])
    assert [(item["signal"], item["trade_id"]) for item in data["refused"]] == [("manual:1", 1)]


def test_all_of_them(held: TradingDesk) -> None:
    held.text("short", "ETHUSDT", "--size", "1")
    held.text("long", "ETHUSDT", "--size", "1", "--limit", "90")
    assert held.text("close", "--all", "--symbol", "eth/usdt").startswith("#2 closed short 1 ETHUSDT")
    assert held.text("close", "--all").startswith("#1 closed long 1 BTCUSDT")
    nothing = held("close", "--all", "--symbol", "ETHUSDT")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "no open trades of ETHUSDT\n")
    assert held.text("cancel", "--all") == "#3 cancelled long 1 ETHUSDT cancelled by hand, free 9999.60 USDT\n"
    assert held("cancel", "--all").err == "no pending trades\n"


def test_all_by_parts_and_at_a_price_of_ones_own(held: TradingDesk) -> None:
    held.text("short", "ETHUSDT", "--size", "2")
    assert held.text("close", "--all", "--fraction", "25%").splitlines() == [
        "#1 closed long 0.25 BTCUSDT 100 -> 100, net -0.05, 0.75 left, free 9724.68 USDT",
        "#2 closed short 0.5 ETHUSDT 100 -> 100, net -0.10, 1.5 left, free 9774.62 USDT",
    ]
    assert held.refusal("close", "--all", "--price", "99") == (
        2,
        "error: --price with --all needs --symbol\nhint: one price cannot be that of several symbols\n",
    )
    own = held.text("close", "--all", "--symbol", "ETHUSDT", "--price", "99")
    assert own.startswith("#2 closed short 1.5 ETHUSDT 100 -> 99, net +")
    assert held.trade(1)["status"] == "open"


def test_all_with_one_that_fails_is_partial(held: TradingDesk) -> None:
    held.text("short", "ETHUSDT", "--size", "1")
    held.at("5").server.always("klines", refuse(403), symbol="BTCUSDT")
    result = held("close", "--all")
    assert (result.code, result.err) == (10, "error: 1 done, 1 refused\n")
    assert result.out.splitlines()[0].startswith("#1 refused trade 1: ")
    assert result.out.splitlines()[1].startswith("#2 closed short 1 ETHUSDT")


def test_open_and_waiting_trades_are_told_apart(held: TradingDesk) -> None:
    held.text("long", "ETHUSDT", "--size", "1", "--limit", "90")
    assert held.refusal("cancel", "1") == (
        6,
        "error: trade `1` is open, there is nothing waiting to cancel\nhint: papertrade close 1\n",
    )
    assert held.refusal("close", "2") == (
        6,
        "error: trade `2` is not open yet: its entry waits at `90`\nhint: papertrade cancel 2\n",
    )


def test_a_trade_that_is_not_there(held: TradingDesk) -> None:
    assert held.refusal("close", "9") == (5, "error: trade `9` does not exist\nhint: papertrade trades\n")
    assert held.refusal("close", "9" * 30)[0] == 5
    assert held.refusal("close", "ETHUSDT") == (
        5,
        "error: ETHUSDT has no live trade in account `main`\nhint: papertrade trades --symbol ETHUSDT\n",
    )
    held.text("long", "BTCUSDT", "--size", "1", "--limit", "90")
    assert held.refusal("close", "BTCUSDT") == (
        2,
        "error: BTCUSDT has 2 live trades: `1` (open long), `2` (pending long)\nhint: name one of them by its number\n",
    )
    held("account", "create", "other")
    assert held.refusal("close", "1", "--account", "other") == (
        5,
        "error: trade `1` belongs to account `main`, not to `other`\nhint: add --account main\n",
    )


MODIFIED = [
    (("--sl", "98"), "stop 98, target 110"),
    (("--sl", "1%", "--tp", "3%:0.5", "--tp", "120:0.5"), "stop 99, target 103 (50%), target 120 (50%)"),
    (("--sl", "none"), "target 110"),
    (("--tp", "none"), "stop 90"),
    (("--sl", "none", "--tp", "none"), ""),
    (("--tp", "2R"), "stop 90, target 120"),
    (("--sl", "-2%"), "stop 98, target 110"),
]


@pytest.mark.parametrize(("words", "levels"), MODIFIED)
def test_new_levels_rule_from_the_next_minute(held: TradingDesk, words: tuple[str, ...], levels: str) -> None:
    assert held.text("modify", "1", *words) == (
        f"#1 changed long 1 BTCUSDT{f' {levels}' if levels else ''}, free 9899.90 USDT\n"
        "   rules from 2026-11-20 10:01 UTC on\n"
    )


REFUSED = [
    (("--sl", "101"), 6, "stop `101` is above the price `100` for a long trade"),
    (("--tp", "95"), 6, "target `95` is below the price `100` for a long trade"),
    ((), 2, "nothing to change"),
    (("--sl", "x"), 2, "--sl: `x` is not a level: write a price `95`, a change `-2%` or risks `2R`"),
    (("--tp", "x"), 2, "--tp: `x` is not a level: write a price `95`, a change `-2%` or risks `2R`"),
    (("--sl", "2R"), 2, "--sl: stop `2R` cannot be in risks: the stop defines the risk"),
    (("--sl", "none", "--tp", "2R"), 2, "--tp: a target in risks (`2R`) needs a stop loss"),
    (("--tp", "none", "--tp", "110"), 2, "--tp none stands alone"),
    (("--tp", "110:0.6", "--tp", "120:0.6"), 2, "--tp: fractions of the targets sum to `1.2`, more than 1"),
]


@pytest.mark.parametrize(("words", "code", "message"), REFUSED)
def test_levels_that_cannot_be(held: TradingDesk, words: tuple[str, ...], code: int, message: str) -> None:
    said = held.refusal("modify", "1", *words)
    assert (said[0], said[1].splitlines()[0]) == (code, f"error: {message}")


def test_a_target_in_risks_without_a_stop_is_refused_by_the_trade(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1")
    assert desk.refusal("modify", "1", "--tp", "2R") == (
        6,
        "error: a target in risks (`2R`) needs a stop loss\nhint: papertrade show 1\n",
    )


def test_a_waiting_trade_is_modified_against_its_entry(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--size", "1", "--limit", "90")
    assert desk.text("modify", "1", "--sl", "85").startswith("#1 changed long 1 BTCUSDT stop 85, free ")
    assert desk.refusal("modify", "1", "--sl", "95") == (
        6,
        "error: stop `95` is above entry `90` for a long trade\nhint: the stop of a long trade must be below `90`\n",
    )


def test_a_change_without_catching_up_marks_the_trade(held: TradingDesk) -> None:
    held.text("modify", "1", "--sl", "95", "--no-catch-up")
    assert held.trade(1)["flags"] == ["unverified"]


WRONG_WORDS = [
    (("close",), "no trade named"),
    (("close", "1", "--all"), "TRADE and --all exclude each other"),
    (("close", "1", "--symbol", "BTCUSDT"), "--symbol goes with --all"),
    (("close", "1", "--fraction", "2"), "--fraction `2` must be above 0 and at most 1"),
    (("close", "1", "--fraction", "half"), "--fraction: `half` is not a plain decimal number"),
    (("close", "1", "--price", "x"), "--price: `x` is not a plain decimal number"),
    (("close", "1", "--price", "0"), "--price `0` must be above 0"),
    (("close", "a b"), "`a b` is not a symbol"),
    (("cancel",), "no trade named"),
]


@pytest.mark.parametrize(("words", "message"), WRONG_WORDS)
def test_wrong_words(held: TradingDesk, words: tuple[str, ...], message: str) -> None:
    code, said = held.refusal(*words)
    assert (code, said.splitlines()[0]) == (2, f"error: {message}")
