"""Works every number of a trade out again from `explain --json` alone: fractions, and nothing of papertrade.

The arithmetic is written from docs/semantics.md (sections 4.3, 4.6, 6 and 7). Inputs are what was seen and decided:
raw prices, levels of the book, quantities, rates, steps. Everything that follows from them is computed and compared.
The rule to keep: what one fill leaves behind is carried to the next one here, never read there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import TypeAlias, cast

Node: TypeAlias = Mapping[str, object]

UNIT = Fraction(1, 10**8)
THINNEST = Fraction(1, 10**18)
TINY = Fraction(1, 10**30)
"""What a number without end may differ by: a mean, or interest for a part of a year."""


def number(node: Node, name: str) -> Fraction:
    value = node[name]
    assert isinstance(value, str), (name, value)
    return Fraction(value)


def half_even(value: Fraction) -> Fraction:
    return round(value / UNIT) * UNIT


def rounded_up(value: Fraction, step: Fraction = UNIT) -> Fraction:
    return ceil(value / step) * step


def rounded_down(value: Fraction, step: Fraction) -> Fraction:
    return floor(value / step) * step


@dataclass
class Again:
    """One trade worked out: what it holds by now, its sums, and every number that `explain` tells differently."""

    told: Node
    sign: int = 0
    entry_price: Fraction | None = None
    quantity: Fraction = Fraction(0)
    left: Fraction = Fraction(0)
    reserve: Fraction = Fraction(0)
    entry_fee: Fraction = Fraction(0)
    held: Fraction = Fraction(0)
    """What holding it has cost and no part has borne yet."""
    fees: Fraction = Fraction(0)
    slippage: Fraction = Fraction(0)
    funding: Fraction = Fraction(0)
    interest: Fraction = Fraction(0)
    gross: Fraction = Fraction(0)
    realized: Fraction = Fraction(0)
    exit_value: Fraction = Fraction(0)
    cash: Fraction = Fraction(0)
    fills: list[dict[str, Fraction]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def compare(self, where: str, name: str, node: Node, value: Fraction | None, by: Fraction = Fraction(0)) -> None:
        """Note a number that is not what it should be."""
        said = None if node[name] is None else number(node, name)
        if (said is None) != (value is None) or (said is not None and value is not None and abs(said - value) > by):
            self.wrong.append(f"{where}.{name}: {said} is told, {value} comes out")


def again(told: Node) -> Again:
    """Work a trade out from the envelope's data of `explain --json`."""
    trade = cast(Node, told["trade"])
    made = Again(told, 1 if trade["side"] == "long" else -1)
    placed, entry = cast("Node | None", told["placed"]), cast("Node | None", told["entry"])
    sizing = cast("Node | None", told["sizing"])
    if sizing is not None:
        _size(made, sizing, cast(Node, entry if placed is None else placed))
    if placed is not None:
        _place(made, placed)
    if entry is not None:
        _enter(made, entry, was_waiting=placed is not None)
    later = [*_nodes(told, "charges"), *_nodes(told, "exits")]
    for node in sorted(later, key=lambda one: (cast(int, one["seq"]), "kind" not in one)):
        if "kind" in node:
            _charge(made, node)
        else:
            _leave(made, node)
    for move in _nodes(told, "stop_moves"):
        _move(made, move)
    ended = cast("Node | None", told["ended"])
    if ended is not None:
        made.compare("ended", "released", ended, made.reserve)
        made.cash, made.reserve = made.cash + made.reserve, Fraction(0)
    voided = cast("Node | None", told["voided"])
    if voided is not None:
        _take_back(made, voided)
    _conclude(made, trade, cast(Node, told["result"]))
    _count_costs(made, cast("Node | None", told["costs"]))
    return made


def _nodes(told: Node, name: str) -> Sequence[Node]:
    return cast("Sequence[Node]", told[name])


def _size(made: Again, node: Node, first: Node) -> None:
    """Work the quantity out, cut by cut; `first` is the order that waited, or the entry at once."""
    price, step, value = number(node, "price"), number(node, "quantity_step"), number(node, "value")
    step = THINNEST if step == 0 else step
    left = value
    if node["kind"] != "quantity":
        is_part = node["kind"] in ("percent", "risk_percent")
        amount = number(node, "balance") * value / 100 if is_part else value
        made.compare("sizing", "amount", node, amount)
        one = price
        if node["stop_out"] is not None:
            out = number(node, "stop_out")
            one = abs(price - out) + price * number(node, "entry_fee_rate") + out * number(node, "exit_fee_rate")
        made.compare("sizing", "for_one", node, one)
        left = amount / one
    made.compare("sizing", "unrounded", node, left, TINY)
    left = rounded_down(left, step)
    made.compare("sizing", "asked", node, left)
    for cut in _nodes(node, "cuts"):
        limit, quantity = number(cut, "limit"), number(cut, "quantity")
        match cut["by"]:
            case "guard":
                left = rounded_down(left * limit, step)
            case "book":
                left = min(left, limit)
            case "cash":
                left = min(left, quantity)
                rates = number(node, "exit_fee_rate") + 1 / number(cast(Node, made.told["trade"]), "leverage")
                if not quantity * price * rates <= limit + 2 * UNIT < (quantity + step) * price * rates + 4 * UNIT:
                    made.wrong.append(f"sizing: {limit} does not pay for {quantity} and no more")
            case _:
                left = rounded_down(limit / price, step)
        made.compare("sizing", "quantity", cut, left)
    made.compare("sizing", "quantity", node, left)
    made.compare("sizing", "quantity", first, left)


def _place(made: Again, node: Node) -> None:
    made.reserve = half_even(number(node, "notional") / number(node, "leverage"))
    made.compare("placed", "reserve", node, made.reserve)
    fee = rounded_up(number(node, "notional") * number(node, "fee_rate"))
    made.compare("placed", "fee", node, fee)
    made.reserve += fee
    made.cash = -made.reserve


def _fill(made: Again, where: str, node: Node, *, is_buying: bool) -> tuple[Fraction, Fraction]:
    """Work out the price and the fee of a fill, compare them and what leads there, and return both."""
    quantity, step = number(node, "quantity"), number(node, "price_step")
    step = THINNEST if step == 0 else step
    walked = [(number(one, "price"), number(one, "quantity")) for one in _nodes(node, "walked")]
    raw, bps = number(node, "raw_price"), number(node, "slippage_bps")
    if walked:
        taken = sum((price * part for price, part in walked), Fraction(0))
        made.compare(where, "walked_notional", node, taken)
        if sum(part for _, part in walked) != quantity or raw != walked[0][0] or bps != 0:
            made.wrong.append(f"{where}: the levels taken are not the quantity, or not from the best on")
        exact = taken / quantity
    elif node["liquidity"] == "maker":
        made.compare(where, "slippage_bps", node, Fraction(0))
        exact = raw
    else:
        exact = raw * (1 + (bps if is_buying else -bps) / 10_000)
    made.compare(where, "price_before_rounding", node, exact, TINY)
    price = rounded_up(exact, step) if is_buying else max(rounded_down(exact, step), step)
    if node["limit"] is not None and not walked:
        price = (min if is_buying else max)(price, number(node, "limit"))
    made.compare(where, "price", node, price)
    made.compare(where, "notional", node, price * quantity)
    made.compare(where, "fee_before_rounding", node, price * quantity * number(node, "fee_rate"))
    fee = rounded_up(price * quantity * number(node, "fee_rate"))
    made.compare(where, "fee", node, fee)
    lost = rounded_up(abs(price - raw) * quantity)
    made.compare(where, "slippage", node, lost)
    if node["liquidity"] == "maker":
        made.compare(where, "spread_cost", node, Fraction(0))
    quote = cast("Node | None", node["quote"])
    if quote is not None and quote["bid"] is not None and quote["ask"] is not None and node["liquidity"] == "taker":
        half = (number(quote, "ask") - number(quote, "bid")) / 2
        made.compare(where, "spread_cost", node, rounded_up(half * quantity))
    made.fees, made.slippage = made.fees + fee, made.slippage + lost
    made.fills.append(
        {"quantity": quantity, "price": price, "notional": half_even(price * quantity), "fee": fee, "slippage": lost}
    )
    return price, fee


def _enter(made: Again, node: Node, *, was_waiting: bool) -> None:
    made.entry_price, made.entry_fee = _fill(made, "entry", node, is_buying=made.sign > 0)
    made.quantity = made.left = number(node, "quantity")
    reserve = half_even(made.entry_price * made.quantity / number(node, "leverage"))
    made.compare("entry", "reserve", node, reserve)
    tied, back = made.reserve, made.reserve - reserve - made.entry_fee
    made.compare("entry", "tied_up_before", node, tied if was_waiting else None)
    made.compare("entry", "released", node, back if was_waiting else None)
    made.cash, made.reserve = made.cash + back, reserve


def _charge(made: Again, node: Node) -> None:
    where = f"charge {node['seq']}"
    made.compare(where, "quantity", node, made.left)
    made.compare(where, "reserve_before", node, made.reserve)
    share = Fraction(1)
    if node["borrowed_share"] is not None:
        leverage = number(cast(Node, made.told["trade"]), "leverage")
        share = (leverage - 1) / leverage
        made.compare(where, "borrowed_share", node, share, TINY)
    notional = made.left * number(node, "price") * share
    made.compare(where, "notional", node, notional, TINY)
    owed = notional * number(node, "rate")
    if node["kind"] == "funding":
        owed *= made.sign
    else:
        owed *= Fraction(_milliseconds(node, "to") - _milliseconds(node, "from"), cast(int, node["year_ms"]))
    made.compare(where, "owed_before_rounding", node, owed, TINY)
    made.compare(where, "owed", node, rounded_up(owed))
    amount = min(rounded_up(owed), made.reserve)
    made.compare(where, "amount", node, amount)
    made.reserve -= max(amount, Fraction(0))
    made.compare(where, "reserve_after", node, made.reserve)
    made.cash += max(-amount, Fraction(0))
    made.held, made.funding = made.held + amount, made.funding + amount
    made.interest += amount if node["kind"] == "borrow" else 0


def _leave(made: Again, node: Node) -> None:
    where = f"exit {node['seq']}"
    assert made.entry_price is not None
    price, fee = _fill(made, where, node, is_buying=made.sign < 0)
    quantity = _part(made, where, node)
    made.compare(where, "quantity", node, quantity)
    part = quantity / made.left
    for name, value in (
        ("open_before", made.left),
        ("entry_price", made.entry_price),
        ("reserve_before", made.reserve),
        ("entry_fee_before", made.entry_fee),
        ("funding_before", made.held),
    ):
        made.compare(where, name, node, value)
    share, entry_fee, held = (half_even(each * part) for each in (made.reserve, made.entry_fee, made.held))
    move = (price - made.entry_price) * made.sign
    gross = max(half_even(move * quantity), fee - share)
    net = gross - fee - entry_fee - held
    for name, value in (
        ("move", move),
        ("gross", gross),
        ("reserve_share", share),
        ("entry_fee_share", entry_fee),
        ("funding_share", held),
        ("cash_back", share + gross - fee),
        ("realized_pnl", net),
    ):
        made.compare(where, name, node, value)
    if node["final"] is not (quantity == made.left):
        made.wrong.append(f"{where}.final: {node['final']}")
    made.left, made.reserve = made.left - quantity, made.reserve - share
    made.entry_fee, made.held = made.entry_fee - entry_fee, made.held - held
    made.gross, made.realized = made.gross + gross, made.realized + net
    made.exit_value, made.cash = made.exit_value + price * quantity, made.cash + share + gross - fee
    made.fills[-1] |= {"gross": gross, "realized": net, "funding": held}


def _part(made: Again, where: str, node: Node) -> Fraction:
    """Work out how much leaves: what was asked for, on the step; all where a piece would be too small to stand."""
    told, terms = cast(Node, node["part"]), cast(Node, made.told["terms"])
    price, step = number(told, "price"), number(terms, "quantity_step") or THINNEST
    for name in ("quantity_step", "quantity_min", "notional_min"):
        made.compare(where, name, told, number(terms, name))
    quote = cast("Node | None", node["quote"])
    if not node["walked"]:
        made.compare(where, "raw_price", node, price)
    elif quote is not None and price not in [number(quote, one) for one in ("bid", "ask", "last") if quote[one]]:
        made.wrong.append(f"{where}.part.price: {price} is not of the quote")

    def is_too_small(piece: Fraction) -> bool:
        return piece < number(terms, "quantity_min") or piece * price < number(terms, "notional_min") or piece <= 0

    wanted, because = made.left, "everything" if node["target"] is None else "last_target"
    if told["asked"] is not None:
        asked, because = number(told, "asked"), "asked"
        on_step = min(asked, made.left)
        if told["fraction"] is not None:
            made.compare(where, "asked", told, number(told, "fraction") * number(told, "base_quantity"))
            on_step = rounded_down(on_step, step)
            because = "part_too_small" if is_too_small(on_step) else because
        made.compare(where, "on_step", told, on_step)
        if because == "asked" and on_step < made.left and is_too_small(made.left - on_step):
            because = "rest_too_small"
        wanted = on_step if because == "asked" else made.left
    if told["because"] != because:
        made.wrong.append(f"{where}.part.because: {told['because']} is told, {because} comes out")
    made.compare(where, "quantity", told, wanted)
    if told["cut_by_book"] is not True:
        return wanted
    filled = sum((number(level, "quantity") for level in _nodes(node, "walked")), Fraction(0))
    if not filled < wanted or "thin_book" not in cast("Sequence[str]", node["flags"]):
        made.wrong.append(f"{where}: the book filled {filled} of {wanted}")
    return filled


def _move(made: Again, node: Node) -> None:
    """Work out where a trail stands, and where break-even is."""
    where = f"move {node['seq']}"
    trail = cast("Node | None", node["trail"])
    if trail is not None:
        peak, distance, step = number(trail, "peak"), number(trail, "distance"), number(trail, "price_step")
        gap = peak * distance / 100 if trail["unit"] == "percent" else distance
        made.compare(where, "gap", trail, gap)
        made.compare(where, "stop_before_rounding", trail, peak - gap * made.sign)
        stop = peak - gap * made.sign
        made.compare(where, "stop", trail, (rounded_down if made.sign > 0 else rounded_up)(stop, step or THINNEST))
    even = cast("Node | None", node["break_even"])
    if even is not None:
        step = number(cast(Node, made.told["entry"]), "price_step") or THINNEST
        stops = (_even(made.sign, even, more, step) for more in (Fraction(0), 2 * UNIT))
        said = number(even, "stop")
        if said not in (number(even, "entry_price"),) if even["gross"] else said not in tuple(stops):
            made.wrong.append(f"{where}.break_even.stop: {said} is told")


def _even(sign: int, node: Node, more: Fraction, step: Fraction) -> Fraction:
    away = rounded_up if sign > 0 else rounded_down
    paid = number(node, "entry_price") + sign * (number(node, "entry_fee") + more) / number(node, "quantity")
    fill = away(paid / (1 - sign * number(node, "fee_rate")), step)
    return away(fill / (1 - sign * number(node, "slippage_bps") / 10_000), step)


def _take_back(made: Again, node: Node) -> None:
    for name, value in (
        ("reserve", made.reserve),
        ("fees", made.fees),
        ("gross", made.gross),
        ("funding", made.funding),
        ("cash_back", made.reserve + made.fees + made.funding - made.gross),
    ):
        made.compare("voided", name, node, value)
    zero = Fraction(0)
    made.cash = made.left = made.reserve = made.fees = made.slippage = made.funding = made.interest = zero
    made.realized = made.gross = zero
    if made.entry_price is not None:
        made.exit_value = made.entry_price * made.quantity


def _conclude(made: Again, trade: Node, result: Node) -> None:
    """Compare the sums with the trade's own fields, which are those of `trades --json`."""
    closed = made.quantity - made.left
    stop = None if made.entry_price is None or trade["initial_stop"] is None else number(trade, "initial_stop")
    risk = None if stop is None or made.entry_price is None else abs(made.entry_price - stop) * made.quantity
    multiple = None if risk is None or risk == 0 else half_even(made.realized / risk)
    made.compare("result", "realized_pnl", result, made.realized)
    made.compare("result", "initial_risk", result, risk)
    made.compare("result", "r_multiple", result, multiple)
    for name, value in (
        ("entry_price", made.entry_price),
        ("open_quantity", made.left),
        ("reserve", made.reserve),
        ("fees", made.fees),
        ("slippage", made.slippage),
        ("funding", made.funding),
        ("borrow_cost", made.interest),
        ("realized_pnl", made.realized),
        ("exit_price", half_even(made.exit_value / closed) if closed > 0 else None),
    ):
        made.compare("trade", name, trade, value)


def _count_costs(made: Again, node: Node | None) -> None:
    """Compare what the trade cost, and, once all of it is closed, what it would have made without."""
    if node is None:
        if made.entry_price is not None and made.told["voided"] is None:
            made.wrong.append("costs: nothing is told of a trade that was entered")
        return
    fills = [cast(Node, made.told["entry"]), *_nodes(made.told, "exits")]
    spreads = [number(fill, "spread_cost") for fill in fills if fill["spread_cost"] is not None]
    spread = sum(spreads, Fraction(0))
    total = made.fees + made.slippage + spread + made.funding
    for name, value in (
        ("fees", made.fees),
        ("slippage", made.slippage),
        ("spread", spread if spreads else None),
        ("total", total),
    ):
        made.compare("costs", name, node, value)
    if made.left == 0:
        made.compare("costs", "costless_pnl", node, made.realized + total)


def _milliseconds(node: Node, name: str) -> int:
    text = node[name]
    assert isinstance(text, str)
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
