"""What is priced: the instrument with its steps and limits, and how people write its symbol."""

from __future__ import annotations

import re
from decimal import Decimal

from papertrade.engine.money import ZERO
from papertrade.engine.values import dataclass

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One symbol of one venue. A step, minimum or maximum of 0 means that there is none.

    Quantities are in the base currency, notionals in the quote currency.
    """

    venue: str
    symbol: str
    base: str
    quote: str
    price_step: Decimal = ZERO
    quantity_step: Decimal = Decimal("0.00000001")
    quantity_min: Decimal = ZERO
    quantity_max: Decimal = ZERO
    notional_min: Decimal = ZERO
    notional_max: Decimal = ZERO
    hours: str = "24/7"
    is_trading: bool = True

    def __post_init__(self) -> None:
        for name in ("price_step", "quantity_step", "quantity_min", "quantity_max", "notional_min", "notional_max"):
            value: Decimal = getattr(self, name)
            if not value.is_finite() or value < 0:
                raise ValueError(f"{name} `{value}` of {self.symbol} must be 0 or more")


def unknown_instrument(venue: str, symbol: str, currency: str) -> Instrument:
    """Describe an instrument that nobody knows: no price step, 1e-8 quantity step, no minimum."""
    return Instrument(venue=venue, symbol=symbol, base=symbol, quote=currency)


def normalise_symbol(text: str) -> str:
    """Read a symbol as people write it: `btcusdt`, `BTC/USDT`, `BTC-USDT`, `BINANCE:BTCUSDT` → `BTCUSDT`.

    Raises ValueError for what cannot be a symbol.
    """
    bare = text.strip().upper().rpartition(":")[2].replace("/", "").replace("-", "")
    if _SYMBOL.fullmatch(bare) is None:
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise ValueError(f"{shown!r} is not a symbol")
    return bare
