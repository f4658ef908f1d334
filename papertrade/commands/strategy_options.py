"""The options of a strategy, shared by the commands that run one. Loading it belongs to `runs.strategy`.

The rule to keep: `--strategy` means the same file, the same function and the same source of signals everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from papertrade.errors import UsageProblem

StrategyOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--strategy", metavar="FILE.py[:NAME]", help="Make signals with this Python function; it is run."),
]
StrategySymbols: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--symbol", metavar="SYMBOL", help="Give the strategy this symbol's candles; may be repeated."),
]
CheckLookahead: TypeAlias = Annotated[
    bool,
    typer.Option("--check-lookahead", help="Run the strategy again on less, and report signals that differ."),
]


def strategy_symbols(strategy: str | None, symbols: Sequence[str] | None) -> tuple[str, ...]:
    """Read the symbols that a live strategy follows, each once; none without a strategy. Raises UsageProblem."""
    from papertrade.commands.symbols import symbol_of

    read = tuple(dict.fromkeys(symbol_of(text) for text in symbols or ()))
    if strategy is None and read:
        raise UsageProblem(
            "`--symbol` says what a strategy follows", hint="papertrade watch --strategy FILE.py --symbol S"
        )
    if strategy is not None and not read:
        raise UsageProblem(
            "`--strategy` needs a symbol to follow", hint=f"papertrade watch --strategy {strategy} --symbol BTCUSDT"
        )
    return read
