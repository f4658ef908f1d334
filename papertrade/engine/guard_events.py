"""What guards and caps did, as events of the journal: with their numbers and the account's figures then."""

from __future__ import annotations

from decimal import Decimal

from papertrade.engine.limits import Action, GuardName, Number
from papertrade.engine.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """An account at an instant: `day_profit` is today's change of the equity, `wins` and `losses` are trades so far.

    `equity` counts open trades at the newest closes of final candles, `live` is pending and open trades.
    """

    equity: Decimal
    balance: Decimal
    peak: Decimal
    drawdown_percent: Decimal
    day_profit: Decimal
    live: int
    wins: int
    losses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardActed:
    """A guard or a cap refused an order, made it smaller, or warned; the account stood at `figures` then.

    `before` is the quantity that would have been placed without guards and caps, None where there would have been
    none; `after` what was placed, 0 where nothing was. `trade_id` is the trade that came of it.
    """

    account_id: int
    guard: GuardName
    action: Action
    symbol: str
    side: str
    signal_key: str
    message: str
    numbers: tuple[Number, ...]
    before: Decimal | None
    after: Decimal
    figures: Figures
    at_ms: int
    trade_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardsReset:
    """Guards that remember forgot: earlier losses count no more, a drawdown's peak begins anew at `equity`.

    `capital` is what was paid in by then, without what was taken out.
    """

    account_id: int
    guards: tuple[GuardName, ...]
    equity: Decimal
    capital: Decimal
    at_ms: int
    reason: str = ""
