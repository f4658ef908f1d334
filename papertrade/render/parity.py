"""What `parity` found, for a person and as JSON: one block a trade that differs, with the candle that explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from itertools import groupby
from operator import attrgetter

from papertrade.engine.market import Candle
from papertrade.render.console import Screen
from papertrade.render.json import Encodable
from papertrade.render.numbers import UNKNOWN, exact_number, iso_z, local_minute, local_second
from papertrade.render.tables import Column, words
from papertrade.render.text import Cell, Tone
from papertrade.runs.differences import Difference, Instant, Value
from papertrade.runs.parity import NotComparable, ParityReport
from papertrade.runs.strategy_parity import SignalParity

_NAMES = ("status", "exit_reason", "reason", "leg", "flags")
"""The fields whose value is a name, or several, that a person reads without underscores."""


def counted(count: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def show_parity(report: ParityReport, zone: tzinfo, screen: Screen, *, is_quiet: bool) -> None:
    """Write what differs, then what could not be compared, then the one line that sums it up."""
    for _, fields in groupby(report.differences, key=attrgetter("trade_id")):
        _show_trade(list(fields), zone, screen)
        screen.blank()
    if is_quiet:
        return
    for _, fields in groupby(report.resolved_live, key=attrgetter("trade_id")):
        _show_trade(list(fields), zone, screen)
        screen.blank()
    if report.not_comparable:
        screen.line(f"not comparable: {counted(len(report.not_comparable), 'trade')}")
        rows = [(f"  {left.trade_id}", left.symbol, left.reason) for left in report.not_comparable]
        screen.table((Column("  Trade"), Column("Symbol"), words("Why")), rows)
        screen.blank()
    screen.line(summary(report))


def summary(report: ParityReport) -> str:
    """Say in one line what was compared and what came of it."""
    if report.compared == 0:
        return "no trades to compare" if not report.not_comparable else "no trade could be compared"
    what = f"{counted(report.compared, 'trade')} compared"
    if len(report.symbols) > 0:
        what += f" over {counted(len(report.symbols), 'symbol')}"
    parts = [_differing(report.differences)]
    if report.resolved_live:
        number = len(_numbers(report.resolved_live))
        parts.append(f"{counted(number, 'trade')} settled by finer candles that only the watch had")
    return f"{what}: {'; '.join(parts)}"


def show_signals(signals: SignalParity, zone: tzinfo, screen: Screen, *, is_quiet: bool) -> None:
    """Write which signals a strategy makes otherwise now, then the one line that sums it up."""
    if signals.differences:
        rows = [
            (d.signal_key, local_minute(d.at_ms, zone), d.field, d.recorded or UNKNOWN, d.replayed or UNKNOWN)
            for d in signals.differences
        ]
        columns = (Column("Signal"), Column("Made", drop=1), Column("Field"), words("Stored"), words("Made again"))
        screen.table(columns, rows)
        screen.blank()
    if not is_quiet:
        screen.line(signals_summary(signals))


def signals_summary(signals: SignalParity) -> str:
    """Say in one line what was compared of a strategy and what came of it."""
    if signals.compared == 0:
        return f"no stored signals of `{signals.source}` to compare"
    numbers = len({difference.signal_key for difference in signals.differences})
    what = f"{counted(signals.compared, 'signal')} of `{signals.source}` compared"
    return f"{what}: {'no difference' if numbers == 0 else f'{numbers} {_verb(numbers)}'}"


def parity_json(report: ParityReport, signals: SignalParity | None = None) -> Mapping[str, Encodable]:
    """Return the fields of `parity --json`."""
    return {
        "compared": report.compared,
        "symbols": report.symbols,
        "candles": report.candles,
        "differences": [_difference_json(difference) for difference in report.differences],
        "resolved_live": [_difference_json(difference) for difference in report.resolved_live],
        "not_comparable": [_left_out_json(left) for left in report.not_comparable],
        "failures": [
            {"symbol": symbol, "code": error.error_code, "message": error.message}
            for symbol, error in report.failures.items()
        ],
        "strategy": None if signals is None else _signals_json(signals),
    }


def _differing(differences: Sequence[Difference]) -> str:
    numbers = _numbers(differences)
    if not numbers:
        return "no difference"
    return f"{len(numbers)} {_verb(len(numbers))}"


def _verb(count: int) -> str:
    return "differs" if count == 1 else "differ"


def _signals_json(signals: SignalParity) -> Mapping[str, Encodable]:
    return {
        "source": signals.source,
        "compared": signals.compared,
        "symbols": signals.symbols,
        "differences": [
            {
                "signal": d.signal_key,
                "symbol": d.symbol,
                "made_at": iso_z(d.at_ms),
                "field": d.field,
                "recorded": d.recorded,
                "replayed": d.replayed,
            }
            for d in signals.differences
        ],
    }


def _numbers(differences: Sequence[Difference]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(difference.trade_id for difference in differences))


def _show_trade(fields: Sequence[Difference], zone: tzinfo, screen: Screen) -> None:
    first = fields[0]
    why = first.explanation
    where = "" if why.candle_ms is None else f", candle {local_minute(why.candle_ms, zone)}"
    screen.line(Cell(f"trade {first.trade_id} {first.symbol}", Tone.STRONG), where)
    screen.line(f"  {why.hint}")
    rows = [(f"  {d.field}", _text(d.field, d.recorded, zone), _text(d.field, d.replayed, zone)) for d in fields]
    screen.table((Column("  Field"), Column("Recorded"), Column("Replayed")), rows)


def _text(field: str, value: Value, zone: tzinfo) -> str:
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return exact_number(value)
        case Instant():
            return local_second(value.at_ms, zone)
        case str():
            is_name = field.rpartition(".")[2] in _NAMES or field.endswith("]")
            return (value.replace("_", " ") if is_name else str(value)) or UNKNOWN


def _difference_json(difference: Difference) -> Mapping[str, Encodable]:
    why = difference.explanation
    return {
        "trade_id": difference.trade_id,
        "symbol": difference.symbol,
        "field": difference.field,
        "recorded": _encodable(difference.recorded),
        "replayed": _encodable(difference.replayed),
        "class": why.reason,
        "hint": why.hint,
        "candle": None if why.candle_ms is None else iso_z(why.candle_ms),
        "candle_recorded": _candle_json(why.then),
        "candle_now": _candle_json(why.now),
    }


def _encodable(value: Value) -> Encodable:
    return iso_z(value.at_ms) if isinstance(value, Instant) else value


def _candle_json(candle: Candle | None) -> Encodable:
    if candle is None:
        return None
    return dict(_prices(candle))


def _prices(candle: Candle) -> Iterator[tuple[str, Encodable]]:
    yield "time", iso_z(candle.open_ms)
    yield "open", candle.open
    yield "high", candle.high
    yield "low", candle.low
    yield "close", candle.close


def _left_out_json(left: NotComparable) -> Mapping[str, Encodable]:
    return {"trade_id": left.trade_id, "symbol": left.symbol, "reason": left.reason}
