"""What `explain` says of a rule agrees with the price of the fill, whatever the convention and the terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from papertrade.engine.conventions import CONSERVATIVE
from papertrade.engine.trade import Flag
from papertrade.render.explained_rules import remark_facts
from tests.commands.trading_desk import TradingDesk, candle, trading_desk

PAST_TARGET, PAST_STOP = "115 116 114 115", "90 91 89 90"
EXITS = "--sl 95 --tp 110"
WITH_LIMIT = f"{EXITS}:0.5 --time-limit 90s"
JUMPED = "the market jumped past"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    """A desk of its own, so that its minutes can be set."""
    with trading_desk(tmp_path) as plain:
        yield plain


def with_settings(desk: TradingDesk, **settings: str) -> TradingDesk:
    return replace(desk, environment={**desk.environment, **{f"PAPERTRADE_{k}": v for k, v in settings.items()}})


def with_minute(desk: TradingDesk, minute: int, prices: str) -> None:
    """Stand at 100, but for one minute and what closes it."""
    opened, high, low, close = prices.split()
    before = [candle(m, *["100"] * 4) for m in range(-70, minute)]
    after = [candle(m, *[close] * 4) for m in range(minute + 1, minute + 30)]
    tape = [*before, candle(minute, opened, high, low, close), *after]
    desk.server.market = replace(desk.server.market, candles={"BTCUSDT": tape})


def told(desk: TradingDesk) -> str:
    """Return the explanation without its line breaks."""
    return " ".join(desk.text("explain", "1").split())


@pytest.mark.parametrize(
    ("settings", "options", "minute", "rule", "price"),
    [
        (
            {},
            EXITS,
            PAST_TARGET,
            f"{JUMPED} the target: out at the target's own price",
            "level 110 (the price seen was 115)",
        ),
        (
            {"CONVENTION__GAP_TARGET": "open"},
            EXITS,
            PAST_TARGET,
            f"{JUMPED} the target: out at the price seen (gap_target: open)",
            "price seen 115 (the level was 110)",
        ),
        (
            {"CONVENTION__NAME": "tradingview"},
            EXITS,
            PAST_TARGET,
            f"{JUMPED} the target: out at the price seen (gap_target: open)",
            "price seen 115 (the level was 110)",
        ),
        (
            {},
            WITH_LIMIT,
            PAST_TARGET,
            f"{JUMPED} the target, and its time was over: out at the price seen",
            "price seen 115 (the level was 110)",
        ),
        ({}, EXITS, "110 111 109 110", "the market jumped to the target: out at that price", "level 110"),
        ({}, EXITS, PAST_STOP, f"{JUMPED} the stop: out at the price seen", "price seen 90 (the level was 95)"),
        ({}, EXITS, "95 96 94 95", "the market jumped to the stop: out at that price", "level 95"),
        (
            {"CONVENTION__GAP_STOP": "level"},
            EXITS,
            PAST_STOP,
            f"{JUMPED} the stop: out at the stop's own price (gap_stop: level)",
            "level 95 (the price seen was 90)",
        ),
        (
            {"CONVENTION__GAP_STOP": "level"},
            WITH_LIMIT,
            PAST_STOP,
            f"{JUMPED} the stop, and its time was over: out at the price seen",
            "price seen 90 (the level was 95)",
        ),
    ],
)
def test_a_level_that_was_jumped_past(
    desk: TradingDesk, settings: Mapping[str, str], options: str, minute: str, rule: str, price: str
) -> None:
    with_minute(desk, 2, minute)
    with_settings(desk, **settings)("long", "BTCUSDT", "--size", "1", *options.split())
    desk.at("5")("watch", "--once")
    assert f"rule {rule} (section 4.1)" in told(desk)
    assert f"price {price}, no slippage, no rounding" in told(desk)


@pytest.mark.parametrize(
    ("gap_limit", "kind", "minute", "rule", "price"),
    [
        (
            "level",
            "--limit 98",
            PAST_STOP,
            f"{JUMPED} the price waited for: in at that price",
            "level 98 (the price seen was 90)",
        ),
        (
            "open",
            "--limit 98",
            PAST_STOP,
            f"{JUMPED} the price waited for: in at the price seen",
            "price seen 90 (the level was 98)",
        ),
        (
            "level",
            "--stop 105",
            PAST_TARGET,
            f"{JUMPED} the price waited for: in at the price seen",
            "price seen 115 (the level was 105)",
        ),
        (
            "level",
            "--stop 115",
            PAST_TARGET,
            "the market jumped to the price waited for: in at that price",
            "level 115",
        ),
    ],
)
def test_an_entry_that_was_jumped_past(
    desk: TradingDesk, gap_limit: str, kind: str, minute: str, rule: str, price: str
) -> None:
    with_minute(desk, 2, minute)
    with_settings(desk, CONVENTION__GAP_LIMIT=gap_limit)("long", "BTCUSDT", "--size", "1", *kind.split())
    desk.at("5")("watch", "--once")
    assert f"rule {rule} (section 4.4)" in told(desk)
    assert f"price {price}, no slippage, no rounding" in told(desk)


def test_a_stop_jumped_past_at_a_funding_time(desk: TradingDesk) -> None:
    settings = {"CONVENTION__GAP_STOP": "level", "COSTS__FUNDING__RATE": "0.01%", "COSTS__FUNDING__EVERY": "3600"}
    with_minute(desk, 60, PAST_STOP)
    with_settings(desk, **settings)("long", "BTCUSDT", "--size", "1", *EXITS.split())
    desk.at("65")("watch", "--once")
    rule = f"{JUMPED} the stop, and what holding it cost was paid at that price: out at the price seen (section 4.1)"
    assert f"rule {rule} " in told(desk)
    assert "price price seen 90 (the level was 95), no slippage, no rounding" in told(desk)


def test_quotes_decide_with_the_convention_observed(desk: TradingDesk) -> None:
    with_minute(desk, 2, PAST_TARGET)
    watching = with_settings(desk, CONVENTION__NAME="observed")
    watching("long", "BTCUSDT", "--size", "1", "--time-limit", "90s", "--tp", "110:0.5")
    watching.at("2.5")("watch", "--once")
    lines = desk.text("explain", "1").splitlines()
    assert lines.count("  remark     a quote decided: with this convention quotes do (decides: quotes)") == 2
    assert "  rule       its time was over: out at the first price after it (section 4.5)" in lines


def test_a_quote_decides_for_want_of_candles_elsewhere() -> None:
    assert remark_facts([Flag.OBSERVED], CONSERVATIVE) == [("remark", "a quote decided, there were no candles")]


def test_a_liquidation_with_a_maintenance_rate_leaves_its_part(desk: TradingDesk) -> None:
    with_minute(desk, 2, "100 100 70 75")
    with_settings(desk, MAINTENANCE_RATE="5%")("long", "BTCUSDT", "--size", "1", "--leverage", "5")
    desk.at("5")("watch", "--once")
    assert (
        "rule the loss would have left of the reserve no more than the exit's fee and the maintenance rate's part, "
        "5 % of the notional: out (section 4.6)"
    ) in told(desk)
    assert "cash 20 - 15.71 - 0.08429 = +4.20571" in told(desk)


def test_a_liquidation_without_one_eats_the_reserve(desk: TradingDesk) -> None:
    with_minute(desk, 2, "100 100 70 75")
    desk("long", "BTCUSDT", "--size", "1", "--leverage", "5")
    desk.at("5")("watch", "--once")
    assert "  rule       the loss and the exit's fee would have eaten the whole reserve: out (section 4.6)" in (
        desk.text("explain", "1").splitlines()
    )
