"""How the oracle charges for holding a deal: funding at its instants, interest by the millisecond.

Written from docs/semantics.md, sections 4.6 and 6; the one rule to keep is that it never learns from the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tests.engine.oracle_words import CENT_OF_A_MILLIONTH, FINEST, ONE, Deal, Happening, ceil_to, floor_to

DAY = 86_400_000
YEAR = 365 * DAY


@dataclass
class Carry:
    """Up to when a deal has paid."""

    funded: int
    interest: int


@dataclass(frozen=True)
class Charge:
    """What a deal pays, before the cap of its reserve."""

    kind: str
    amount: Fraction


def due(deal: Deal, carry: Carry, by_ms: int) -> tuple[int, str] | None:
    """The next instant up to `by_ms` at which something is to be paid, and what; funding first."""
    instants = []
    if deal.funding:
        instants.append((carry.funded - carry.funded % deal.funding_every + deal.funding_every, "funding"))
    if deal.borrow and (deal.side == "short" or deal.leverage > 1):
        instants.append((carry.interest - carry.interest % DAY + DAY, "interest"))
    instants = [one for one in instants if one[0] <= by_ms]
    return min(instants, key=lambda one: (one[0], one[1] != "funding"), default=None)


def funding(deal: Deal, left: Fraction, price: Fraction) -> Charge:
    """A long pays its notional at a price times the rate, a short gets it."""
    sign = 1 if deal.side == "long" else -1
    return Charge("funding", ceil_to(left * price * (deal.funding or 0) * sign, CENT_OF_A_MILLIONTH))


def interest(deal: Deal, left: Fraction, entry: Fraction, price: Fraction, span_ms: int) -> Charge:
    """A short owes for what it has sold, at the price of the moment; a long for the money it did not have."""
    borrowed = left * price if deal.side == "short" else left * entry * (1 - 1 / deal.leverage)
    return Charge("borrow", ceil_to(borrowed * (deal.borrow or 0) * span_ms / YEAR, CENT_OF_A_MILLIONTH))


def liquidation(deal: Deal, entry: Fraction, left: Fraction, reserve: Fraction) -> Fraction | None:
    """Where reserve + gross − fee is the maintenance rate's part of the notional, rounded against the deal."""
    step, least = deal.price_step or FINEST, deal.taker + deal.maintenance
    if deal.side == "long":
        price = floor_to((entry - reserve / left) / (ONE - least), step)
        return price if price > 0 else None
    return ceil_to((entry + reserve / left) / (ONE + least), step)


class Holder:
    """What the oracle knows of an open deal that costs something to hold."""

    deal: Deal
    carry: Carry
    entry: Fraction
    left: Fraction
    reserve: Fraction
    liquidation: Fraction | None
    happened: list[Happening]

    def charge_due(self, price: Fraction, stamp: int) -> None:
        """Pay what is due by now, in the order in which it was."""
        while (one := due(self.deal, self.carry, stamp)) is not None:
            if one[1] == "funding":
                self._pay(funding(self.deal, self.left, price), stamp)
                self.carry.funded = one[0]
            else:
                self._pay_interest(price, one[0], stamp)

    def _pay_interest(self, price: Fraction, until: int, stamp: int) -> None:
        self._pay(interest(self.deal, self.left, self.entry, price, until - self.carry.interest), stamp)
        self.carry.interest = until

    def _pay(self, charge: Charge, stamp: int) -> None:
        """Pay out of the reserve, as far as it reaches; what is received belongs to the account."""
        paid = min(charge.amount, self.reserve)
        if paid > 0:
            self.reserve -= paid
            self.liquidation = liquidation(self.deal, self.entry, self.left, self.reserve)
        self.happened.append(Happening(charge.kind, paid, self.left, stamp))

    def settle(self, price: Fraction, stamp: int) -> None:
        """Before a part leaves: what is due by then, and the interest since."""
        self.charge_due(price, stamp)
        deal = self.deal
        if deal.borrow and (deal.side == "short" or deal.leverage > 1) and self.carry.interest < stamp:
            self._pay_interest(price, stamp, stamp)
