"""What `--check-lookahead` found: signals of a strategy that change when it knows less.

The rule to keep: each leak names the signal, the field and the candles that were left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

from papertrade.errors import DifferenceFound
from papertrade.render.console import Screen
from papertrade.render.json import Encodable, encode
from papertrade.render.numbers import iso_z, short_minute
from papertrade.render.tables import Column, words
from papertrade.render.text import Cell, Tone
from papertrade.runs.lookahead import LookaheadCheck

_SHOWN: Final = 20
_COLUMNS: Final = (
    Column("Kind"),
    words("Signal"),
    Column("Made"),
    Column("Candles to"),
    Column("Field"),
    words("With all"),
    words("With less"),
)


def lookahead_json(report: LookaheadCheck) -> Mapping[str, Encodable]:
    """Return how much was compared, and every leak."""
    return {
        "signals": report.signals,
        "cuts": report.cuts,
        "leaks": [
            {
                "kind": leak.kind,
                "signal": leak.signal_key,
                "symbol": leak.symbol,
                "at": iso_z(leak.at_ms),
                "cut": iso_z(leak.cut_ms),
                "field": leak.field,
                "with_all": leak.with_all,
                "with_less": leak.with_less,
            }
            for leak in report.leaks
        ],
    }


def show_lookahead(report: LookaheadCheck, zone: tzinfo, screen: Screen) -> None:
    """Write the verdict, and a table of what differs."""
    noun = "signal" if report.signals == 1 else "signals"
    compared = f"{report.signals} {noun}, run again on candles that end earlier at {report.cuts} instants"
    if not report.leaks:
        screen.line(Cell("no difference", Tone.GAIN), Cell(f": {compared}"))
        if report.signals == 0:
            screen.line(Cell("it made no signal over these candles: that shows little", Tone.WARNING))
        return
    screen.line(f"{compared}; times in {zone}")
    screen.blank()
    rows = [
        (
            str(leak.kind),
            leak.signal_key,
            short_minute(leak.at_ms, zone),
            short_minute(leak.cut_ms, zone),
            leak.field,
            leak.with_all,
            leak.with_less,
        )
        for leak in report.leaks[:_SHOWN]
    ]
    screen.table(_COLUMNS, rows)
    if len(report.leaks) > _SHOWN:
        screen.line(f"and {len(report.leaks) - _SHOWN} more: --json lists all")


def lookahead_problem(report: LookaheadCheck) -> DifferenceFound | None:
    """Return the failure of a check that found something; None where it found nothing."""
    if not report.leaks:
        return None
    kinds = sorted({str(leak.kind) for leak in report.leaks})
    signals = len({leak.signal_key for leak in report.leaks})
    return DifferenceFound(
        f"{signals} {'signal depends' if signals == 1 else 'signals depend'} on {', '.join(kinds)}",
        hint="docs/strategies.md says what each kind means",
        code="lookahead",
        details={"signals": signals, "kinds": kinds},
        data=encode(lookahead_json(report)),
    )
