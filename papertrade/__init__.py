"""papertrade: honest paper trading in a terminal.

What scripts and strategies import from here comes when it is asked for; nothing is imported before, so that
`papertrade --version` starts at once.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # what `typing` calls so, without importing it
if TYPE_CHECKING:
    from papertrade.engine.signal import Signal as Signal
    from papertrade.runs.strategy_candles import Candles as Candles

_HOMES = {
    "Candles": "papertrade.runs.strategy_candles",
    "Signal": "papertrade.engine.signal",
}


def __getattr__(name: str) -> object:
    """Import a public name from where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module `papertrade` has no attribute `{name}`")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
