"""papertrade: honest paper trading in a terminal, and the same engine for Python programs (docs/python-api.md).

What scripts and strategies import from here comes when it is asked for; nothing is imported before, so that
`papertrade --version` starts at once.
"""

__version__ = "0.1.0"

__all__ = [
    "Backtest",
    "CandleSeries",
    "Candles",
    "Convention",
    "Instrument",
    "PapertradeError",
    "Signal",
    "SweepResult",
    "Trade",
    "backtest",
    "candles_from",
    "load_candles",
    "load_signals",
    "signal",
    "sweep",
]

TYPE_CHECKING = False  # what `typing` calls so, without importing it
if TYPE_CHECKING:
    from papertrade.api.backtests import Backtest, backtest
    from papertrade.api.candles import candles_from, load_candles
    from papertrade.api.signals import load_signals, signal
    from papertrade.api.sweeps import sweep
    from papertrade.engine.conventions import Convention
    from papertrade.engine.instrument import Instrument
    from papertrade.engine.signal import Signal
    from papertrade.engine.trade import Trade
    from papertrade.errors import PapertradeError
    from papertrade.feeds.candle_series import CandleSeries
    from papertrade.runs.strategy_candles import Candles
    from papertrade.runs.sweeps.sweep import SweepResult
else:
    # Behind `else`, so that type checkers know each name above and refuse every other.
    _HOMES = {
        "Backtest": "papertrade.api.backtests",
        "CandleSeries": "papertrade.feeds.candle_series",
        "Candles": "papertrade.runs.strategy_candles",
        "Convention": "papertrade.engine.conventions",
        "Instrument": "papertrade.engine.instrument",
        "PapertradeError": "papertrade.errors",
        "Signal": "papertrade.engine.signal",
        "SweepResult": "papertrade.runs.sweeps.sweep",
        "Trade": "papertrade.engine.trade",
        "backtest": "papertrade.api.backtests",
        "candles_from": "papertrade.api.candles",
        "load_candles": "papertrade.api.candles",
        "load_signals": "papertrade.api.signals",
        "signal": "papertrade.api.signals",
        "sweep": "papertrade.api.sweeps",
    }

    def __getattr__(name: str) -> object:
        """Import a public name from where it lives."""
        if name not in _HOMES:
            raise AttributeError(f"module `papertrade` has no attribute `{name}`")
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)

    def __dir__() -> list[str]:
        """Name what is here and what comes when asked for."""
        return sorted({*globals(), *__all__})
