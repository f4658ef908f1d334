"""How a command reads a symbol. By itself, because it needs nothing of what lists and filters need."""

from __future__ import annotations

from papertrade.engine.instrument import normalise_symbol
from papertrade.errors import UsageProblem
from papertrade.render.text import safe


def symbol_of(text: str) -> str:
    """Read a symbol as people write it. Raises UsageProblem."""
    try:
        return normalise_symbol(text)
    except ValueError as error:
        raise UsageProblem(
            f"`{safe(text)[:40]}` is not a symbol", hint="write it as the venue does: BTCUSDT, or BTC/USDT"
        ) from error
