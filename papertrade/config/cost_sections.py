"""The settings of costs that only one venue, or one symbol, has: a section of fees by name.

What is not named there is as everywhere. The rule to keep: the bounds are those of the general settings.
"""

from __future__ import annotations

import re
from typing import Final

from papertrade.config.fields import Fields
from papertrade.config.values import BadValues, Kind, as_flow, number, optional, rate, seconds, shortened, signed_rate
from papertrade.engine.instrument import normalise_symbol
from papertrade.engine.own_costs import OwnCosts
from papertrade.engine.trade import Funding
from papertrade.text_nodes import Node, Pairs, Span, Text

_KEYS: Final = ("maker", "taker", "slippage_bps", "funding", "funding_every", "borrow")
_NAMES_MAX: Final = 5_000
_VENUE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}", re.ASCII)
_EIGHT_HOURS: Final = 8 * 3_600_000


def own_costs(*, of_venues: bool) -> Kind[tuple[OwnCosts, ...]]:
    """Accept a section of costs by the names of venues, or of symbols."""
    what = "venue" if of_venues else "symbol"
    allowed = f"a section of costs by {what}"

    def read(node: Node) -> tuple[OwnCosts, ...]:
        if not isinstance(node, Pairs):
            raise BadValues([(node.span, f"must be {allowed}")])
        if len(node.pairs) > _NAMES_MAX:
            raise BadValues([(node.span, f"holds more than {_NAMES_MAX} {what}s")])
        problems: list[tuple[Span, str]] = []
        found: dict[str, OwnCosts] = {}
        for key, body in node.pairs:
            try:
                name = _name(key, of_venues=of_venues)
                if name in found:
                    raise BadValues([(key.span, f"names {what} `{name}` twice")])
                found[name] = _costs(name, body)
            except BadValues as bad:
                problems.extend(bad.problems)
        if problems:
            raise BadValues(problems)
        return tuple(found.values())

    return Kind(allowed, read, as_flow, is_tree=True)


def _name(key: Text, *, of_venues: bool) -> str:
    if of_venues:
        if not _VENUE.fullmatch(key.text):
            raise BadValues([(key.span, f"names `{shortened(key.text)}`, which is no venue: write it like `binance`")])
        return key.text
    try:
        return normalise_symbol(key.text)
    except ValueError as error:
        raise BadValues([(key.span, f"names a symbol: {error}")]) from None


def _costs(name: str, node: Node) -> OwnCosts:
    of = Fields(node, f"`{name}`", _KEYS)
    funding = of.read("funding", optional(signed_rate("10")), None)
    every_ms = of.read("funding_every", seconds("3600", "86400"), _EIGHT_HOURS)
    own = OwnCosts(
        name=name,
        maker=of.read("maker", optional(rate("10")), None),
        taker=of.read("taker", optional(rate("10")), None),
        slippage_bps=of.read("slippage_bps", optional(number("0", "1000")), None),
        funding=None if funding is None else Funding(funding, every_ms),
        borrow=of.read("borrow", optional(rate("1000")), None),
    )
    if of.problems:
        raise BadValues(of.problems)
    return own
