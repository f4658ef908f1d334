"""What holding a trade costs, in a line of the journal and taken apart."""

from __future__ import annotations

from datetime import UTC

from papertrade.engine.messages import CostCharged, Refusal
from papertrade.engine.state import evolve
from papertrade.engine.step import open_trade
from papertrade.engine.trade import Trade
from papertrade.render.explained_charges import charge_facts, charge_json
from papertrade.render.trade_lines import change_line
from papertrade.reports.explain import ChargeExplained, Stamped, explain
from tests.engine.deals import candle_of, opening_of, play, rules_of
from tests.engine.tables import deal_of, tape_of


def told(deal: str, minutes: str) -> tuple[list[str], list[ChargeExplained]]:
    """Return the line of each charge, and the charge taken apart."""
    first = open_trade(opening_of(deal_of(deal)), rules_of(deal_of(deal)))
    assert not isinstance(first, Refusal)
    _, events = play(deal_of(deal), [candle_of(bar) for bar in tape_of(minutes)])
    stamps = [Stamped(seq, 0, event) for seq, event in enumerate((first, *events), 1)]
    lines: list[str] = []
    trade: Trade | None = None
    for stamp in stamps:
        trade = evolve(trade, stamp.event)
        lines += ["".join(cell.text for cell in change_line(stamp.event, trade, None))]
    charges = list(explain(stamps).charges)
    return [line for line, stamp in zip(lines, stamps, strict=True) if isinstance(stamp.event, CostCharged)], charges


def facts(charge: ChargeExplained) -> list[str]:
    return [f"{name}: {text}" for name, text in charge_facts(charge, "USDT", UTC)]


QUIET = "120 121 119 120"


def test_a_winner_pays_what_is_left() -> None:
    lines, charges = told("long 1 at 100 lev 10 fund 0.06 every 1m", f"{QUIET} | {QUIET} | {QUIET} | {QUIET}")
    assert lines == [
        "#1 funding long 1 BTCUSDT 6% of 120.00 at 120, net -7.20",
        "#1 funding long 1 BTCUSDT 6% of 120.00 at 120, net -2.80 of 7.20: all that was reserved",
        "#1 funding long 1 BTCUSDT 6% of 120.00 at 120, net 0.00 of 7.20: all that was reserved",
    ]
    assert facts(charges[1]) == [
        "for: the funding time 1970-01-01 00:02:00 UTC",
        "notional: 1 x 120 = 120",
        "owed: 120 x 0.06 = 7.2 USDT",
        "cash: 2.8 - 2.8 = 0 left of the reserve: no more than there was",
        "ruin: liquidation at 100 now (section 4.6)",
    ]
    assert charge_json(charges[1])["amount"] == charge_json(charges[1])["reserve_before"]


def test_a_short_receives_for_a_rate_above_0_and_pays_below() -> None:
    lines, (charge,) = told("short 1 at 100 fund 0.01 every 1m", f"{QUIET} | {QUIET}")
    assert lines == ["#1 funding short 1 BTCUSDT 1% of 120.00 at 120, net +1.20"]
    assert facts(charge)[2:] == ["owed: 120 x -0.01 = -1.2 USDT", "cash: +1.2 to free cash"]
    _, (charge,) = told("short 1 at 100 fund -0.01 every 1m", f"{QUIET} | {QUIET}")
    assert facts(charge)[2] == "owed: 120 x 0.01 = 1.2 USDT"


def test_interest_names_its_time_and_what_is_borrowed() -> None:
    lines, (charge,) = told("short 1 at 100 sl 125 borrow 52.56", "100 101 99 100 | 100 126 100 120")
    assert lines == ["#1 interest short 1 BTCUSDT 5256% a year of 125.00 for 1m 59s, net -0.025"]
    assert facts(charge)[:3] == [
        "for: 1970-01-01 00:00:00 UTC to 1970-01-01 00:01:59 UTC",
        "notional: 1 x 125 = 125",
        "owed: 125 x 52.56 x 119999 ms / 31536000000 ms = 0.024999791666..., rounded up at 1e-8 = 0.0249998 USDT",
    ]
    assert charge_json(charge)["borrowed_share"] is None
