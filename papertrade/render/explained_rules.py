"""What the rule of a fill, and a mark on it, say in a sentence.

A rule of the journal names what was met, not how an option of the convention then decided. The rule to keep: a
sentence about the price of a fill agrees with that price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from papertrade.engine.conventions import Convention, DecidedBy, GapFill
from papertrade.engine.messages import Cause
from papertrade.engine.money import HUNDRED, canonical, exact, plain
from papertrade.engine.trade import Flag, Terms
from papertrade.render.facts import Fact

BEYOND_STOP: Final = "4.1 open beyond the stop"
BEYOND_TARGET: Final = "4.1 open beyond the target"
BEYOND_ENTRY: Final = "4.4 open beyond the entry"
TIME_LIMIT: Final = "4.5 time limit"
LIQUIDATION: Final = "4.6 liquidation price reached"

RULES: Final[Mapping[str, str]] = {
    BEYOND_STOP: "the market jumped past the stop: out at the price seen",
    BEYOND_TARGET: "the market jumped past the target: out at the target's own price",
    "4.2 stop touched": "the price swept through the stop: out at the stop",
    "4.2 target touched": "the price swept through the target: out at the target",
    "4.3 new peak": "a better price than any before: the trail follows it",
    "4.3 break-even reached": "the trigger was touched: the stop goes to break-even",
    "4.3 close beyond the moved stop": "the candle moved the stop and closed beyond it: certainly crossed after it",
    "4.5 first target taken": "the first target was taken: the stop goes where it was wished to",
    "4.5 expired": "given up at the first price from its expiry on, before any fill there",
    TIME_LIMIT: "its time was over: out at the first open after it",
    LIQUIDATION: "the loss and the exit's fee would have eaten the whole reserve: out",
    "4.4 entered at once": "filled at once at the quote: a buy pays the ask, a sell gets the bid",
    "4.4 market entry at the open": "filled at the open of the first candle after the signal",
    "4.4 market entry at the close": "filled at the close of the candle that the signal was made in",
    BEYOND_ENTRY: "the market jumped past the price waited for: in at the price seen",
    "4.4 entry touched": "the price reached what the order waited for",
    "4.4 stop beyond the limit": "the same candle went on to the stop behind the limit: certainly after the entry",
    "4.4 close beyond the target": "the same candle closed beyond the target: certainly after the entry",
    "4.4 stop in the candle of entry": "the candle of the entry also touched the stop",
    "4.4 target in the candle of entry": "the candle of the entry also touched the target",
    "5 closed by hand": "closed by hand, at the price of that moment",
    "6 funding": "a funding time has passed: longs pay shorts for a rate above 0, shorts pay longs below 0",
    "6 borrow": "interest on what is borrowed, each midnight UTC and before an exit",
}
"""What each rule of the journal says where the default convention decides; one that is not here says its own name."""

_FLAGS: Final = {
    Flag.AT_TOUCH: "the level was the candle's very extreme: a real order might not have been filled",
    Flag.SHRUNK: "the reserve paid only for a part of the quantity",
    Flag.SIZE_CAPPED: "the size was cut to sizing.max_notional",
    Flag.OBSERVED: "a quote decided, there were no candles",
    Flag.UNVERIFIED: "the command acted without catching up",
    Flag.OFF_MARKET: "at a price named by the user",
    Flag.SETTLED: "finer candles told which level was touched first",
    Flag.HALTED: "the venue does not trade it",
    Flag.GUARDED: "a guard made the size smaller",
    Flag.AT_CAP: "the size was cut to what a cap left",
    Flag.THIN_BOOK: "the order book did not fill all that was asked for",
}


def rule_text(cause: Cause, terms: Terms, seen: Decimal | None = None, *, is_due: bool = False) -> str:
    """Return the sentence of a rule and its section.

    `seen` is the price that the market jumped to, None where it did not jump; `is_due` says that a time limit was over.
    """
    section, _, name = cause.rule.partition(" ")
    return f"{_told(cause, terms, seen, is_due=is_due) or RULES.get(cause.rule, name)} (section {section})"


def remark_facts(flags: Sequence[Flag], convention: Convention) -> list[Fact]:
    """Return what each mark means, each once."""
    return [("remark", _remark(flag, convention)) for flag in dict.fromkeys(flags)]


def _remark(flag: Flag, convention: Convention) -> str:
    if flag is Flag.OBSERVED and convention.decides is DecidedBy.QUOTES:
        return "a quote decided: with this convention quotes do (decides: quotes)"
    return _FLAGS[flag]


def _told(cause: Cause, terms: Terms, seen: Decimal | None, *, is_due: bool) -> str:
    """Return what a rule says where the terms, a quote or the price seen make it another sentence, else nothing."""
    if cause.rule == BEYOND_STOP:
        return _beyond_stop(cause, terms.convention, seen, is_due=is_due)
    if cause.rule == BEYOND_TARGET:
        return _beyond_target(cause, terms.convention, seen)
    if cause.rule == BEYOND_ENTRY:
        return _beyond_entry(cause, seen)
    if cause.rule == TIME_LIMIT and cause.quote is not None:
        return "its time was over: out at the first price after it"
    if cause.rule == LIQUIDATION and terms.maintenance != 0:
        with exact():
            share = plain(canonical(terms.maintenance * HUNDRED))
        return (
            "the loss would have left of the reserve no more than the exit's fee and the maintenance rate's part, "
            f"{share} % of the notional: out"
        )
    return ""


def _beyond_stop(cause: Cause, convention: Convention, seen: Decimal | None, *, is_due: bool) -> str:
    if cause.level == seen:
        return "the market jumped to the stop: out at that price"
    if cause.level == cause.raw_price:
        return "the market jumped past the stop: out at the stop's own price (gap_stop: level)"
    if convention.gap_stop is GapFill.LEVEL:
        why = "its time was over" if is_due else "what holding it cost was paid at that price"
        return f"the market jumped past the stop, and {why}: out at the price seen"
    return ""


def _beyond_target(cause: Cause, convention: Convention, seen: Decimal | None) -> str:
    if cause.level == seen:
        return "the market jumped to the target: out at that price"
    if cause.level == cause.raw_price:
        return ""
    if convention.gap_target is GapFill.LEVEL:
        return "the market jumped past the target, and its time was over: out at the price seen"
    return "the market jumped past the target: out at the price seen (gap_target: open)"


def _beyond_entry(cause: Cause, seen: Decimal | None) -> str:
    if cause.level == seen:
        return "the market jumped to the price waited for: in at that price"
    if cause.level == cause.raw_price:
        return "the market jumped past the price waited for: in at that price"
    return ""
