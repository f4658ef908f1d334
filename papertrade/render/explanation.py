"""An explanation as text for a person: each fill with its rule, what was seen, and the arithmetic written out.

Only words and layout; every number comes out of `reports.explain`. The rule to keep: what is written after `=` is
what the numbers before it give.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from operator import itemgetter
from typing import Final

from papertrade.engine.messages import Cause, TradeVoided
from papertrade.engine.money import canonical, exact, plain
from papertrade.engine.state import levels_at
from papertrade.engine.trade import ExitReason, Status, Terms
from papertrade.render.console import Screen
from papertrade.render.explained_charges import TITLES, charge_facts
from papertrade.render.explained_part import quantity_text
from papertrade.render.explained_rules import RULES, remark_facts, rule_text
from papertrade.render.explained_sight import Vantage, sight_facts
from papertrade.render.explained_size import size_facts
from papertrade.render.explained_stops import stop_facts, without_trailing
from papertrade.render.explained_walk import mean_text, slippage_facts, spread_facts, walk_facts
from papertrade.render.facts import Fact, show_facts, wrapped
from papertrade.render.guard_lines import act_text
from papertrade.render.numbers import local_second, r_multiple, toned
from papertrade.render.text import Cell, Tone
from papertrade.render.trade_lines import REASONS, changed_text, levels_text
from papertrade.reports.explain import (
    ChangeExplained,
    ChargeExplained,
    EntryExplained,
    ExitExplained,
    Explanation,
    Waiting,
)
from papertrade.reports.explain_price import Charged
from papertrade.reports.explain_stops import StopExplained

_WIDTH: Final = 9
_END_RULES: Final = {
    Status.EXPIRED: f"{RULES['4.5 expired']} (section 4.5)",
    Status.REJECTED: "its cash and its levels are checked again at the fill: no entry (section 4.4)",
}
"""Why an order that waited was never filled; a cancelled one was ended by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where an explanation is written, in which zone, from where what decided was seen, and the trade's terms."""

    currency: str
    terms: Terms
    zone: tzinfo
    vantage: Vantage
    screen: Screen

    def when(self, at_ms: int) -> str:
        """Return an instant in the zone, to the second."""
        return local_second(at_ms, self.zone)

    def decided(
        self, cause: Cause, recorded_ms: int, jumped_to: Decimal | None = None, *, is_due: bool = False
    ) -> list[Fact]:
        """Return the rule, and what it was shown, with its source and its age."""
        return [("rule", rule_text(cause, self.terms, jumped_to, is_due=is_due)), *self.seen(cause, recorded_ms)]

    def seen(self, cause: Cause, recorded_ms: int) -> list[Fact]:
        """Return what was shown, with its source and its age."""
        return sight_facts(cause, recorded_ms, self.vantage, self.zone)


def show_explanation(told: Explanation, page: Page) -> None:
    """Write the whole explanation."""
    between = _between(told)
    has_walked = any(fill.priced.walked for fill in (told.entry, *told.exits) if fill is not None)
    for refusal in told.refusals:
        _show_held("refused", f"{page.when(refusal.at_ms)}: {refusal.refused.message}", page)
    for act in told.acts:
        _show_held("held back", f"{page.when(act.at_ms)}: {act_text(act)}", page)
    if told.placed is not None:
        _show_placed(told, told.placed, page)
    if told.entry is not None:
        _show_between(between, told.entry.stamp.seq, page)
        _show_entry(told, told.entry, page, has_walked=has_walked)
    for number, left in enumerate(told.exits, start=1):
        _show_between(between, left.stamp.seq, page)
        name = "Exit" if len(told.exits) == 1 and left.is_final else f"Exit {number}"
        _show_exit(told, name, left, page, has_walked=has_walked)
    _show_between(between, None, page)
    _show_end(told, page)


def _show_held(word: str, text: str, page: Page) -> None:
    first, *rest = wrapped(text, page.screen.width - len(word) - 1)
    page.screen.line(Cell(word, Tone.WARNING), Cell(f" {first}"))
    for piece in rest:
        page.screen.line(Cell(" " * (len(word) + 1)), Cell(piece))


def _show_placed(told: Explanation, placed: Waiting, page: Page) -> None:
    trade = told.trade
    word = "Waiting" if told.is_waiting else "Waited"
    page.screen.line(Cell(word, Tone.STRONG), Cell(f"  since {page.when(trade.order.placed_at)}", Tone.DIM))
    way = "at or below" if placed.is_below else "at or above"
    until = "" if placed.expires_at is None else f", until {page.when(placed.expires_at)}"
    charged = placed.charged
    with exact():
        tied = placed.reserve + charged.fee
    facts: list[Fact] = [
        ("for", f"a price {way} {plain(placed.price)} ({placed.entry_type} entry, section 4.4){until}"),
        *size_facts(told.trade.order, page.currency),
        ("reserve", f"{_notional(charged, placed.leverage)} = {plain(placed.reserve)}"),
        ("fee", f"{_fee(charged)} set aside at the taker rate"),
        ("tied up", f"{plain(placed.reserve)} + {plain(charged.fee)} = {plain(tied)}"),
    ]
    show_facts(page.screen, facts, indent=2, width=_WIDTH)


def _show_entry(told: Explanation, entry: EntryExplained, page: Page, *, has_walked: bool) -> None:
    _title("Entry", entry.at_ms, entry.stamp.recorded_ms, page)
    facts: list[Fact] = [
        *page.decided(entry.cause, entry.stamp.recorded_ms, entry.price_seen),
        *walk_facts(entry, has_walked=has_walked),
        ("price", _price(entry)),
        *slippage_facts(entry),
        *spread_facts(entry),
        *([] if told.placed is not None else size_facts(told.trade.order, page.currency)),
        ("fee", f"{_fee(entry.charged)} ({entry.liquidity})"),
        ("reserve", f"{_notional(entry.charged, entry.leverage)} = {plain(entry.reserve)} {page.currency} tied up"),
    ]
    if entry.tied_up is not None and entry.released is not None:
        sum_ = f"{plain(entry.tied_up)} - {plain(entry.reserve)} - {plain(entry.charged.fee)} = {plain(entry.released)}"
        facts.append(("released", f"{sum_} back to cash"))
    else:
        with exact():
            spent = entry.reserve + entry.charged.fee
        facts.append(("cash", f"-({plain(entry.reserve)} + {plain(entry.charged.fee)}) = -{plain(spent)}"))
    if entry.levels is not None:
        facts.append(("exits", levels_text(entry.levels)))
    if entry.liquidation_price is not None:
        facts.append(("ruin", f"liquidation at {plain(entry.liquidation_price)} (section 4.6)"))
    facts += remark_facts((*told.trade.order.flags, *entry.flags), page.terms.convention)
    show_facts(page.screen, facts, indent=2, width=_WIDTH)


def _between(told: Explanation) -> list[tuple[int, tuple[StopExplained, int] | ChangeExplained | ChargeExplained]]:
    """Return the moves of the stop, the changes by hand and the costs of holding by the numbers of their events."""
    moves = without_trailing(told.stop_moves, [left.stamp.seq for left in told.exits])
    every = [(move.seq, (move, raised)) for move, raised in moves]
    charges = [(charge.stamp.seq, charge) for charge in told.charges]
    changes = [(change.stamp.seq, change) for change in told.changes]
    return sorted([*every, *charges, *changes], key=itemgetter(0))


def _show_between(
    between: list[tuple[int, tuple[StopExplained, int] | ChangeExplained | ChargeExplained]],
    until: int | None,
    page: Page,
) -> None:
    """Write what came before event `until`, and take it off the list."""
    while between and (until is None or between[0][0] < until):
        _, one = between.pop(0)
        if isinstance(one, ChangeExplained):
            _show_change(one, page)
            continue
        if isinstance(one, ChargeExplained):
            charge = one.event
            _title(TITLES[charge.kind], charge.at_ms, one.stamp.recorded_ms, page)
            facts = page.decided(charge.cause, one.stamp.recorded_ms)
            show_facts(page.screen, [*facts, *charge_facts(one, page.currency, page.zone)], indent=2, width=_WIDTH)
            continue
        move, raised = one
        name = "Stop moved" if move.stop != move.stop_before else "Behind the stop"
        _title(name, move.at_ms, move.recorded_ms, page)
        facts = [*page.decided(move.cause, move.recorded_ms), *stop_facts(move, raised)]
        show_facts(page.screen, facts, indent=2, width=_WIDTH)


def _show_change(change: ChangeExplained, page: Page) -> None:
    event = change.event
    _title("Changed by hand", event.at_ms, change.stamp.recorded_ms, page)
    facts: list[Fact] = [
        ("why", event.reason),
        ("exits", changed_text(change.after) or "none"),
        (
            "rule",
            f"from {page.when(event.ruling.from_ms)} on; candles before that meet the older exits (section 5)",
        ),
    ]
    show_facts(page.screen, facts, indent=2, width=_WIDTH)


def _show_exit(told: Explanation, name: str, left: ExitExplained, page: Page, *, has_walked: bool) -> None:
    _title(f"{name}: {REASONS[left.reason]}", left.at_ms, left.stamp.recorded_ms, page)
    share, fee_share = plain(left.reserve_share), plain(left.entry_fee_share)
    gross, fee = plain(left.gross), plain(left.charged.fee)
    whole = left.quantity == left.open_before
    part = f"{plain(left.quantity)} / {plain(left.open_before)}"
    facts: list[Fact] = [
        ("why", left.why),
        *page.decided(left.cause, left.stamp.recorded_ms, left.price_seen, is_due=left.is_due),
        *walk_facts(left, has_walked=has_walked),
        ("price", _price(left)),
        ("quantity", quantity_text(left)),
        *slippage_facts(left),
        *spread_facts(left),
        ("fee", f"{_fee(left.charged)} ({left.liquidity})"),
        ("gross", _gross(left)),
        ("entry fee", fee_share if whole else f"{plain(left.entry_fee_before)} x {part} = {fee_share}"),
        *_funding(left, part, whole),
        ("net", [Cell(f"{_costs_off(left)} = "), toned(left.net, f"{_signed(left.net)} {page.currency}")]),
        ("reserve", share if whole else f"{plain(left.reserve_before)} x {part} = {share}"),
        ("cash", f"{share} + {gross} - {fee} = {_signed(left.cash_back)}".replace("+ -", "- ")),
        *remark_facts(left.flags, page.terms.convention),
    ]
    if left.is_ambiguous:
        facts.append(("in doubt", f"the candle touched {_doubt(told, left)}"))
    show_facts(page.screen, facts, indent=2, width=_WIDTH)


def _doubt(told: Explanation, left: ExitExplained) -> str:
    """Return what an ambiguous exit's candle left open: the target if it lies within, else what armed the stop."""
    candle = left.cause.candle
    target = None if candle is None else levels_at(told.trade, candle.open_ms).next_target()
    is_reached = candle is not None and target is not None and candle.low <= target.price <= candle.high
    if left.reason is ExitReason.TAKE_PROFIT or is_reached:
        return "the stop and the target, and nothing finer tells which was first"
    if told.entry is not None and told.entry.cause.candle == candle:
        return "the stop, and nothing finer tells whether before or after the entry"
    return "the stop and a price that would have moved it, and nothing finer tells which was first"


def _show_void(event: TradeVoided, page: Page) -> None:
    page.screen.line(Cell("Void", Tone.STRONG), Cell(f"  {page.when(event.at_ms)}", Tone.DIM))
    held = [] if event.funding == 0 else [_bracketed(event.funding)]
    sums = " + ".join([plain(event.reserve), plain(event.fees), *held])
    sums = f"{sums} - {_bracketed(event.gross)} = {_signed(event.cash_back)} {page.currency}"
    words = f"reserve + fees {'+ holding ' if held else ''}- gross"
    facts: list[Fact] = [
        ("why", event.reason),
        ("rule", "as if it had never been: all that it posted is posted the other way round (section 7)"),
        ("cash", f"{words}: {sums}"),
        ("net", f"0 {page.currency}; it counts in no statistics"),
    ]
    show_facts(page.screen, facts, indent=2, width=_WIDTH)


def _bracketed(value: Decimal) -> str:
    return f"({plain(value)})" if value < 0 else plain(value)


def _funding(left: ExitExplained, part: str, whole: bool) -> list[Fact]:
    share = plain(left.funding_share)
    if left.funding_before == 0:
        return []
    return [("funding", share if whole else f"{plain(left.funding_before)} x {part} = {share}")]


def _costs_off(left: ExitExplained) -> str:
    parts = [plain(left.gross), plain(left.charged.fee), plain(left.entry_fee_share)]
    if left.funding_before != 0:
        parts.append(f"({plain(left.funding_share)})" if left.funding_share < 0 else plain(left.funding_share))
    return " - ".join(parts)


def _show_end(told: Explanation, page: Page) -> None:
    trade = told.trade
    if told.ended is not None:
        event, recorded_ms = told.ended.event, told.ended.stamp.recorded_ms
        _title(str(event.status).capitalize(), event.at_ms, recorded_ms, page)
        facts: list[Fact] = [
            ("why", event.why),
            ("rule", _END_RULES.get(event.status, "")),
            *([] if event.cause is None else page.seen(event.cause, recorded_ms)),
            ("released", f"{plain(event.released)} {page.currency}"),
        ]
        show_facts(page.screen, facts, indent=2, width=_WIDTH)
    if told.voided is not None:
        _show_void(told.voided, page)
        return
    if told.exits:
        page.screen.line(Cell("Result" if trade.open_quantity == 0 else "Result so far", Tone.STRONG))
        parts = [_signed(left.net) for left in told.exits]
        total = "" if len(parts) == 1 else f"{' '.join(parts)} = "
        facts = [("net", [Cell(total), toned(trade.realized, f"{_signed(trade.realized)} {page.currency}")])]
        risk, multiple = trade.initial_risk, trade.r_multiple
        if risk is not None and multiple is not None and trade.initial_stop is not None:
            distance = f"|{plain(trade.entered_price)} - {plain(trade.initial_stop)}| x {plain(trade.quantity)}"
            facts.append(("1R", f"{distance} = {plain(risk)}"))
            facts.append(("in risks", f"{_signed(trade.realized)} / {plain(risk)} = {r_multiple(multiple)}"))
        show_facts(page.screen, facts, indent=2, width=_WIDTH)
    elif told.entry is not None:
        page.screen.line(
            f"Still open: {plain(trade.open_quantity)} of {plain(trade.quantity)}; nothing is realised yet."
        )


def _title(text: str, at_ms: int, recorded_ms: int, page: Page) -> None:
    late = f", recorded {page.when(recorded_ms)}" if recorded_ms - at_ms >= 60_000 else ""
    page.screen.line(Cell(text, Tone.STRONG), Cell(f"  {page.when(at_ms)}{late}", Tone.DIM))


def _price(fill: EntryExplained | ExitExplained) -> str:
    priced, cause, seen = fill.priced, fill.cause, fill.price_seen
    at_level = cause.level is not None and cause.level == priced.raw
    parts = [f"{'level' if at_level else 'price seen'} {plain(priced.raw)}"]
    if cause.level is not None and not at_level:
        parts[0] += f" (the level was {plain(cause.level)})"
    elif at_level and seen is not None and seen != priced.raw:
        parts[0] += f" (the price seen was {plain(seen)})"
    if len(priced.walked) > 1:
        parts[0] = mean_text(priced, fill.quantity)
    if priced.slippage_bps != 0:
        sign = "+" if priced.is_rounded_up else "-"
        worsened = plain(canonical(priced.worsened))
        parts.append(f"x (1 {sign} {plain(priced.slippage_bps)} bps) = {worsened}")
    if priced.is_limited:
        parts.append(f"no worse than its limit {plain(priced.price)}")
    elif priced.worsened != priced.price:
        way = "up" if priced.is_rounded_up else "down"
        parts.append(f"rounded {way} to the step {plain(priced.step)} = {plain(priced.price)}")
    elif priced.slippage_bps == 0:
        parts.append("no rounding" if len(priced.walked) > 1 else "no slippage, no rounding")
    return ", ".join(parts).replace(", x (", " x (")


def _fee(charged: Charged) -> str:
    rate = f"{plain(charged.price)} x {plain(charged.quantity)} x {plain(charged.rate)}"
    if charged.unrounded == charged.fee:
        return f"{rate} = {plain(charged.fee)}"
    return f"{rate} = {plain(canonical(charged.unrounded))}, rounded up at 1e-8 = {plain(charged.fee)}"


def _notional(charged: Charged, leverage: Decimal) -> str:
    product = f"{plain(charged.price)} x {plain(charged.quantity)}"
    return product if leverage == 1 else f"{product} / {plain(leverage)}"


def _gross(left: ExitExplained) -> str:
    entry, price = plain(left.entry_price), plain(left.priced.price)
    pair = f"{price} - {entry}" if left.entry_price + left.move == left.priced.price else f"{entry} - {price}"
    sum_ = f"({pair}) x {plain(left.quantity)}"
    if left.is_gross_cut:
        cut = f"{plain(left.charged.fee)} - {plain(left.reserve_share)} = {plain(left.gross)}"
        return f"{sum_} is more than the reserve: cut to fee - share, {cut}"
    return f"{sum_} = {plain(left.gross)}"


def _signed(value: Decimal) -> str:
    return f"+{plain(value)}" if value > 0 else plain(value)
