"""How signals look: as the fields of the scripting contract, as a CSV, as a table, in full. Renders only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from papertrade.engine.money import plain
from papertrade.engine.signal import EntryType, Signal, Size, SizeKind
from papertrade.render.console import Screen
from papertrade.render.csv import Sheet
from papertrade.render.json import Encodable
from papertrade.render.numbers import iso_z, local_minute, short_minute
from papertrade.render.tables import Column, Row, number, words
from papertrade.render.text import Cell, Tone
from papertrade.runs.signals import SignalView
from papertrade.store.rows import NoteRow

_COLUMNS = (
    "id",
    "source",
    "external_id",
    "status",
    "symbol",
    "side",
    "entry_type",
    "entry_price",
    "stop_loss",
    "take_profit",
    "size",
    "made_at",
    "expires_at",
    "confidence",
    "reason",
    "tags",
    "trades",
    "trail",
    "break_even",
    "time_limit",
    "after_tp1",
)
_UNITS = {
    SizeKind.QUANTITY: "",
    SizeKind.NOTIONAL: " notional",
    SizeKind.PERCENT: "% of the balance",
    SizeKind.RISK_PERCENT: "% risk",
    SizeKind.RISK_AMOUNT: " at risk",
}


def summary(signal: Signal) -> str:
    """Say a signal in one line: `scanner:42 long BTCUSDT limit 58000, stop 2%, target 2R`."""
    parts = [f"{signal.key} {signal.side} {signal.symbol} {_entry(signal)}", *_exits(signal)]
    if signal.size is not None:
        parts.append(f"size {_size(signal.size)}")
    return ", ".join(parts)


def signal_json(view: SignalView, notes: Sequence[NoteRow] = ()) -> Mapping[str, Encodable]:
    """Return the fields of one signal; levels are as written, unknown is None."""
    signal = view.row.signal
    size = signal.size
    return {
        "id": view.row.id,
        "source": signal.source,
        "external_id": signal.external_id,
        "status": view.status,
        "symbol": signal.symbol,
        "side": signal.side,
        "entry_type": signal.entry_type,
        "entry_price": signal.entry_price,
        "stop_loss": None if signal.exits.stop is None else str(signal.exits.stop),
        "take_profits": [{"level": str(t.level), "fraction": t.fraction} for t in signal.exits.targets],
        "trail": None if signal.exits.trail is None else str(signal.exits.trail),
        "break_even": None if signal.exits.break_even is None else str(signal.exits.break_even),
        "time_limit": None if signal.exits.time_limit is None else str(signal.exits.time_limit),
        "after_tp1": None if signal.exits.after_first is None else str(signal.exits.after_first),
        "size": None if size is None else {"kind": size.kind, "value": size.value},
        "made_at": iso_z(signal.made_at_ms),
        "added_at": iso_z(view.row.added_ms),
        "expires_at": None if signal.expires_at_ms is None else iso_z(signal.expires_at_ms),
        "confidence": signal.confidence,
        "reason": signal.reason,
        "tags": list(signal.tags),
        "trades": [{"id": trade_id, "status": status} for trade_id, status in view.trades],
        "notes": [{"id": note.id, "at": iso_z(note.at_ms), "text": note.text} for note in notes],
    }


def signal_sheet(views: Sequence[SignalView]) -> Sheet:
    """Return the list as a CSV, one row a signal."""
    return Sheet(
        _COLUMNS,
        [
            (
                view.row.id,
                view.row.signal.source,
                view.row.signal.external_id,
                str(view.status),
                view.row.signal.symbol,
                str(view.row.signal.side),
                str(view.row.signal.entry_type),
                view.row.signal.entry_price,
                _stop(view.row.signal),
                ";".join(str(target) for target in view.row.signal.exits.targets),
                None if view.row.signal.size is None else _size(view.row.signal.size),
                iso_z(view.row.signal.made_at_ms),
                None if view.row.signal.expires_at_ms is None else iso_z(view.row.signal.expires_at_ms),
                view.row.signal.confidence,
                view.row.signal.reason,
                ";".join(view.row.signal.tags),
                " ".join(str(trade_id) for trade_id, _ in view.trades),
                *(text for _, text in _rules(view.row.signal)),
            )
            for view in views
        ],
    )


def show_signals(views: Sequence[SignalView], zone: tzinfo, screen: Screen) -> None:
    """Write the list as a table."""
    if not views:
        screen.line("no signals")
        return
    columns = [
        number("No"),
        words("Signal"),
        Column("Status"),
        Column("Side"),
        Column("Symbol"),
        Column("Entry"),
        Column("Stop"),
        words("Targets", 1),
        Column(f"Made {_zone_name(views, zone)}", drop=2),
        Column("Trades", drop=3),
    ]
    others = [", ".join(f"{label} {text}" for label, text in _rules(view.row.signal) if text) for view in views]
    rows: list[Row] = [
        (
            str(view.row.id),
            view.row.signal.key,
            str(view.status),
            str(view.row.signal.side),
            view.row.signal.symbol,
            _entry(view.row.signal),
            _stop(view.row.signal) or "-",
            " ".join(str(target) for target in view.row.signal.exits.targets) or "-",
            short_minute(view.row.signal.made_at_ms, zone),
            " ".join(f"#{trade_id}" for trade_id, _ in view.trades) or "-",
        )
        for view in views
    ]
    if any(others):
        columns.append(words("Also", 4))
        rows = [(*row, also or "-") for row, also in zip(rows, others, strict=True)]
    screen.table(columns, rows)


def show_signal(view: SignalView, notes: Sequence[NoteRow], zone: tzinfo, screen: Screen) -> None:
    """Write one signal in full, a line for each thing that it says."""
    signal = view.row.signal
    screen.line(Cell(f"signal {view.row.id}  {signal.key}  {view.status}", Tone.STRONG))
    lines = [
        ("trade", f"{signal.side} {signal.symbol} {_entry(signal)}"),
        ("stop loss", _stop(signal)),
        ("take profit", "  ".join(str(target) for target in signal.exits.targets)),
        *_rules(signal),
        ("size", "" if signal.size is None else _size(signal.size)),
        ("made", local_minute(signal.made_at_ms, zone)),
        ("expires", "" if signal.expires_at_ms is None else local_minute(signal.expires_at_ms, zone)),
        ("confidence", "" if signal.confidence is None else plain(signal.confidence)),
        ("reason", signal.reason),
        ("tags", ", ".join(signal.tags)),
        ("trades", ", ".join(f"#{trade_id} {status}" for trade_id, status in view.trades)),
        *(("note", f"{local_minute(note.at_ms, zone)}  {note.text}") for note in notes),
    ]
    for label, text in lines:
        if text:
            screen.line(Cell(f"  {label:<12}", Tone.DIM), Cell(text))


def _entry(signal: Signal) -> str:
    price = signal.entry_price
    return str(EntryType.MARKET) if price is None else f"{signal.entry_type} {plain(price)}"


def _exits(signal: Signal) -> list[str]:
    stop = [] if signal.exits.stop is None else [f"stop {signal.exits.stop}"]
    targets = (f"target {target}" for target in signal.exits.targets)
    return [*stop, *targets, *(f"{label} {text}" for label, text in _rules(signal) if text)]


def _rules(signal: Signal) -> tuple[tuple[str, str], ...]:
    """Return the exits beside a stop and targets as they were written, blank where there is none."""
    exits = signal.exits
    wishes = (
        ("trail", exits.trail),
        ("break-even", exits.break_even),
        ("time limit", exits.time_limit),
        ("after tp1", exits.after_first),
    )
    return tuple((label, "" if wish is None else str(wish)) for label, wish in wishes)


def _stop(signal: Signal) -> str:
    return "" if signal.exits.stop is None else str(signal.exits.stop)


def _size(size: Size) -> str:
    return f"{plain(size.value)}{_UNITS[size.kind]}"


def _zone_name(views: Sequence[SignalView], zone: tzinfo) -> str:
    return local_minute(views[0].row.signal.made_at_ms, zone).rpartition(" ")[2]
