"""The account's sums in words, and facts below each other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal

from papertrade.render.facts import Fact, dated, fact_lines
from papertrade.render.sums import risk_cells, share_text, summary_facts
from papertrade.render.tables import Line
from papertrade.render.text import Cell, Tone
from papertrade.reports.portfolio import Summary


def summary(**more: Decimal | int | None) -> Summary:
    fields: dict[str, object] = {
        "total_cash": Decimal(900),
        "total_reserved": Decimal(100),
        "total_holdings_value": Decimal(100),
        "total_portfolio_value": Decimal(1000),
        "total_unrealized_pnl": Decimal(0),
        "today_pnl": Decimal("2.5"),
        "today_equity_change": None,
        "holdings_count": 1,
        "unpriced_count": 0,
        "at_risk_to_stops": Decimal(12),
        "without_stop_count": 0,
        **more,
    }
    return Summary(**fields)  # type: ignore[arg-type]


def text(cells: Sequence[Cell]) -> str:
    return "".join(cell.text for cell in cells)


def drawn(lines: Sequence[Line]) -> list[str]:
    return [text(line) for line in lines]


def test_what_is_not_known_is_not_zero() -> None:
    assert drawn(fact_lines(summary_facts(summary(), "USDT", UTC), 100)) == [
        "equity   1000.00 USDT  free 900.00, tied up 100.00, unrealised 0.00",
        "today    -, closed trades +2.50 (days in UTC)",
        "at risk  12.00 (1.20%) if every stop filled now, costs included",
    ]


def test_open_trades_without_a_stop_or_a_price_are_told() -> None:
    assert text(risk_cells(summary(without_stop_count=1, unpriced_count=2))) == (
        "12.00 (1.20%) if every stop filled now, costs included; 1 open trade has no stop"
        "; 2 without a price, valued at entry"
    )
    assert text(risk_cells(summary(without_stop_count=3))).endswith("; 3 open trades have no stop")
    assert text(risk_cells(summary(holdings_count=0))) == "nothing: no trade is open"


def test_no_share_of_nothing() -> None:
    assert share_text(Decimal(5), Decimal(200)) == " (2.50%)"
    assert share_text(Decimal(5), Decimal(0)) == ""


def test_facts_leave_out_what_says_nothing_and_wrap_what_is_long() -> None:
    long = "one two three four five six"
    coloured = [Cell("no "), Cell("wrap " * 4, Tone.GAIN)]
    facts: list[Fact] = [("a", "x"), ("empty", ""), ("long", long), ("cells", coloured)]
    assert drawn(fact_lines(facts, 20, indent=2)) == [
        "  a      x",
        "  long   one two",
        "         three four",
        "         five six",
        "  cells  no wrap wrap wrap wrap ",
    ]
    assert drawn(fact_lines([("w", "unbreakable-word next")], 8, width=3)) == ["w    unbreakable-word", "     next"]


def test_what_happened_at_a_time_takes_the_tone_that_stands_out() -> None:
    assert dated("10:00", [Cell("#1 STOP "), Cell("-5.00", Tone.LOSS)]) == ("10:00", Cell("#1 STOP -5.00", Tone.LOSS))
    assert dated("10:00", [Cell("#1 open")]) == ("10:00", Cell("#1 open"))
