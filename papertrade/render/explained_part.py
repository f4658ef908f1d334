"""How the quantity of an exit came about, as text and as the scripting contract writes it.

The rule to keep: what is written after `=` is what the numbers before it give.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from papertrade.engine.money import exact, plain
from papertrade.render.json import Encodable
from papertrade.reports.explain import ExitExplained
from papertrade.reports.explain_part import Because, Part


def quantity_text(left: ExitExplained) -> str:
    """Return the sum of an exit's quantity: `0.3 x 1 = 0.3 of 1`; the mere quantity where no part was asked for."""
    part, whole = left.part, left.open_before
    of = f"{plain(left.quantity)} of {plain(whole)}"
    if left.quantity == whole:
        of += ", all that was left"
    if part.is_cut_by_book:
        of = f"the order book filled {of}"
    if part.asked is None or part.on_step is None or (part.fraction == 1 and part.base == whole):
        is_last_of_several = part.because is Because.LAST_TARGET and part.fraction != 1
        return f"{of}: the last target" if is_last_of_several else of
    asked = _asked(part, part.asked)
    if part.asked > whole:
        return f"{asked}, more than is left: {of}"
    steps = [asked] if part.on_step == part.asked else [asked, _rounded(part, part.on_step)]
    match part.because:
        case Because.PART_TOO_SMALL:
            steps.append(f"{_too_small(part, part.on_step)}: {of}")
        case Because.REST_TOO_SMALL:
            with exact():
                rest = whole - part.on_step
            steps.append(f"which leaves {plain(rest)}, {_too_small(part, rest)}: {of}")
        case _ if part.is_cut_by_book:
            steps.append(of)
        case _:
            steps[-1] += f" of {plain(whole)}"
    return ", ".join(steps)


def _asked(part: Part, asked: Decimal) -> str:
    if part.fraction is None or part.base is None:
        return f"{plain(asked)} asked for"
    return f"{plain(part.fraction)} x {plain(part.base)} = {plain(asked)}"


def _rounded(part: Part, on_step: Decimal) -> str:
    return f"down to the step {plain(part.terms.quantity_step)} = {plain(on_step)}"


def _too_small(part: Part, piece: Decimal) -> str:
    terms = part.terms
    if piece <= 0:
        return "which is nothing"
    if piece < terms.quantity_min:
        return f"under the least quantity {plain(terms.quantity_min)}"
    with exact():
        worth = piece * part.price
    return f"at {plain(part.price)} worth {plain(worth)}, under the least {plain(terms.notional_min)}"


def part_json(part: Part) -> Mapping[str, Encodable]:
    """Return what an exit's quantity was worked out from; None is what nobody asked for, or an older journal's."""
    return {
        "because": part.because,
        "fraction": part.fraction,
        "base_quantity": part.base,
        "asked": part.asked,
        "quantity_step": part.terms.quantity_step,
        "on_step": part.on_step,
        "quantity_min": part.terms.quantity_min,
        "notional_min": part.terms.notional_min,
        "price": part.price,
        "quantity": part.quantity,
        "cut_by_book": part.is_cut_by_book,
    }
