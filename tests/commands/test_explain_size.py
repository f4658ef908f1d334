"""Where a quantity came from, in `explain`: the wish, the balance, the loss of one, the rounding and each cut."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.trading_desk import TradingDesk
from tests.e2e.recompute import again


def with_settings(desk: TradingDesk, **settings: str) -> TradingDesk:
    return replace(desk, environment={**desk.environment, **{f"PAPERTRADE_{k}": v for k, v in settings.items()}})


def size_lines(desk: TradingDesk) -> list[str]:
    """Return the lines of the size and of its cuts, in one line each."""
    lines = desk.text("explain", "1").splitlines()
    begin = next((n for n, line in enumerate(lines) if line.startswith("  size ")), None)
    if begin is None:
        return []
    assert again(desk.data("explain", "1")).wrong == []
    told: list[str] = []
    for line in lines[begin:]:
        label, text = line[2:13].strip(), line[13:]
        if label not in ("size", "cut", ""):
            break
        if label:
            told.append(f"{label}: {text}")
        else:
            told[-1] += f" {text}"
    return told


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("--size 1.5", []),
        ("--size 1.23456789", ["size: 1.23456789 asked for, down to the step 0.00001 = 1.23456"]),
        ("--notional 333", ["size: 333 USDT to buy or sell for; 333 / 100 = 3.33"]),
        (
            "--percent 3",
            ["size: 3 % of the balance 10000 = 300 USDT to buy or sell for; 300 / 100 = 3"],
        ),
        (
            "--risk 50 --sl 95",
            [
                "size: 50 USDT to lose at the stop; 50 / (|100 - 95| + 100 x 0.001 + 95 x 0.001) = "
                "9.624639076034..., down to the step 0.00001 = 9.62463"
            ],
        ),
        (
            "--sl 99",
            [
                "size: 1 % of the balance 10000 = 100 USDT to lose at the stop (the default); 100 / "
                "(|100 - 99| + 100 x 0.001 + 99 x 0.001) = 83.402835696413..., down to the step 0.00001 = 83.40283",
                "cut: sizing.max_notional allows 2000 USDT: 2000 / 100, down to the step = 20",
            ],
        ),
    ],
)
def test_where_a_quantity_comes_from(desk: TradingDesk, words: str, lines: list[str]) -> None:
    desk.text("long", "BTCUSDT", *words.split())
    assert size_lines(desk) == lines


def test_a_waiting_order_tells_it_too_and_its_entry_does_not_repeat_it(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--limit", "98", "--notional", "98")
    assert size_lines(desk) == ["size: 98 USDT to buy or sell for; 98 / 98 = 1"]


def test_each_cut_tells_what_it_goes_by(desk: TradingDesk) -> None:
    held = with_settings(desk, CAPS__SYMBOL="15000", CAPS__ON_CAP="shrink", ON_SHORT_CASH="shrink")
    held.text("long", "BTCUSDT", "--notional", "50000")
    assert size_lines(held) == [
        "size: 50000 USDT to buy or sell for; 50000 / 100 = 500",
        "cut: a cap leaves 15000 USDT: 15000 / 100, down to the step = 150",
        "cut: the free 10000 USDT pay the reserve and the fee of 99.90009",
    ]


def test_a_guard_tells_its_factor(desk: TradingDesk) -> None:
    guarded = with_settings(desk, GUARDS__MAX_OPEN="{limit: 1, action: shrink}")
    guarded.text("long", "ETHUSDT", "--size", "1")
    guarded("long", "BTCUSDT", "--size", "1")
    assert again(guarded.data("explain", "2")).wrong == []
    lines = guarded.text("explain", "2").splitlines()
    assert "  size       1 asked for" in lines
    assert "  cut        guards: x 0.5, down to the step = 0.5" in lines


def test_the_book_cuts_what_it_does_not_hold(desk: TradingDesk) -> None:
    desk.server.depths["BTCUSDT"] = ([("99", "1")], [("100", "2")])
    walking = with_settings(desk, COSTS__SLIPPAGE="book")
    walking.text("long", "BTCUSDT", "--size", "3")
    assert size_lines(walking) == ["size: 3 asked for", "cut: the order book holds 2: 2"]


def test_json_has_every_number_of_it(desk: TradingDesk) -> None:
    desk.text("long", "BTCUSDT", "--sl", "99")
    told = cast("dict[str, Json]", desk.data("explain", "1")["sizing"])
    assert told == {
        "kind": "risk_percent",
        "value": "1",
        "default": True,
        "balance": "10000",
        "price": "100",
        "stop_out": "99",
        "entry_fee_rate": "0.001",
        "exit_fee_rate": "0.001",
        "amount": "100",
        "for_one": "1.199",
        "unrounded": told["unrounded"],
        "quantity_step": "0.00001",
        "asked": "83.40283",
        "cuts": [{"by": "default_cap", "limit": "2000", "quantity": "20"}],
        "quantity": "20",
    }
    assert str(told["unrounded"]).startswith("83.40283569641367806505421184320266889")
