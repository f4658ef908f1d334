"""What fills in the blank cells of a signal: the exits and the size of a preset.

Cells are those of `signal_rows`. The rule to keep: what a row says itself is never changed, and what belongs
together (a size, the targets and the stop after the first of them) is taken as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from papertrade.engine.signal import Defaults, ExitWish, Signal
from papertrade.engine.values import replace
from papertrade.feeds.signal_rows import COLUMNS, SIZES, signal_of, signal_rows, size_cell, stop_cell

Cells: TypeAlias = "tuple[tuple[str, str | tuple[str, ...]], ...]"

FILLED_IN: Final = ("stop_loss", "take_profit", "trail", "break_even", "time_limit", "expires", *SIZES)
"""The columns that defaults may fill in."""

_ASKED: Final = frozenset(("time", "symbol", "side", *FILLED_IN))


def filled_in(cells: Iterable[tuple[str, str | tuple[str, ...]]], defaults: Defaults) -> Cells:
    """Return a row's cells with the defaults for what it leaves blank."""
    kept = tuple((name, cell) for name, cell in cells if not _is_blank(cell))
    given = dict(kept)
    exits = defaults.exits
    wishes = {"trail": exits.trail, "break_even": exits.break_even, "time_limit": exits.time_limit}
    more: dict[str, str | tuple[str, ...]] = {name: str(wish) for name, wish in wishes.items() if wish is not None}
    if defaults.expires_ms is not None:
        more["expires"] = f"{defaults.expires_ms // 1000}s"
    if defaults.size is not None and not any(name in given for name in SIZES):
        name, text = size_cell(defaults.size)
        more[name] = text
    if exits.targets:
        more["take_profit"] = tuple(str(target) for target in exits.targets)
    others = tuple((name, cell) for name, cell in more.items() if name not in given)
    stop = _stop(given, exits)
    rest = tuple((name, cell) for name, cell in kept if name != "stop_loss")
    return (*rest, *others, *((("stop_loss", stop),) if stop else ()))


def signal_filled_in(signal: Signal, defaults: Defaults) -> Signal:
    """Return a signal that no row was read for with the defaults for what it does not say. Raises BadRow."""
    (row,) = signal_rows([signal])
    cells = [(name, cell) for name, cell in zip(COLUMNS, row, strict=True) if name in _ASKED]
    filled = signal_of(filled_in(cells, defaults), signal.made_at_ms, signal.source)
    return replace(signal, exits=filled.exits, size=filled.size, expires_at_ms=filled.expires_at_ms)


def _stop(given: dict[str, str | tuple[str, ...]], exits: ExitWish) -> str:
    """Return the stop with what follows the first target; that of the defaults goes with their targets."""
    said = given.get("stop_loss", "")
    own, semicolon, after = (said if isinstance(said, str) else ";".join(said)).partition(";")
    if own.strip() == "" and exits.stop is not None:
        own = str(exits.stop)
    if semicolon:
        return f"{own};{after}"
    if exits.after_first is None or "take_profit" in given:
        return own
    return stop_cell(own, str(exits.after_first))


def _is_blank(cell: str | Sequence[str]) -> bool:
    return (cell.strip() if isinstance(cell, str) else "".join(cell).strip()) == ""
