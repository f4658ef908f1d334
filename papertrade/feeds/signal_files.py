"""Signals from the files that people bring: all of them, or a report of every bad row and none of them.

The formats are in `signal_formats.py`, the columns in `signal_rows.py`. The rule to keep: nothing is half
imported, and reading a file twice gives the same signals with the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from papertrade.engine.signal import Defaults, Signal
from papertrade.engine.values import dataclass
from papertrade.errors import InputFileError
from papertrade.feeds.bad_rows import Flaw, Place, one_line, refusal
from papertrade.feeds.signal_defaults import filled_in
from papertrade.feeds.signal_formats import Format, Record, format_of, read_records
from papertrade.feeds.signal_rows import COLUMNS, NEEDED, BadRow, signal_of, unknown_column

BYTES_MAX: Final = 128 * 1024 * 1024
ROWS_MAX: Final = 1_000_000
_NOTHING: Final = "nothing was imported"
_TIME: Final = "time"
_WHY_TIME: Final = "a backtest must know when a signal was made (ISO-8601 with a zone, or epoch milliseconds)"


@dataclass(frozen=True, slots=True)
class SignalFile:
    """The signals of a file, each with the place where it stands."""

    name: str
    entries: tuple[tuple[Signal, Place], ...]

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals in the order of the file."""
        return tuple(signal for signal, _ in self.entries)

    def refusal(self, known: Sequence[Signal]) -> InputFileError:
        """Return the error that names every row whose signal is known with other content."""
        keys = {signal.key for signal in known}
        return refusal(
            self.name,
            [
                Flaw(place, "id", f"`{signal.key}` is known already, with other content")
                for signal, place in self.entries
                if signal.key in keys
            ],
            _NOTHING,
        )


def read_signal_file(
    path: Path,
    *,
    now_ms: int,
    default_source: str | None = None,
    rows_max: int = ROWS_MAX,
    defaults: Defaults | None = None,
    needs_time: bool = False,
) -> tuple[Signal, ...]:
    """Read a file; signals without a source get the file's name without its ending. Raises InputFileError."""
    return load_signal_file(
        path,
        now_ms=now_ms,
        default_source=default_source,
        rows_max=rows_max,
        defaults=defaults,
        needs_time=needs_time,
    ).signals


def load_signal_file(
    path: Path,
    *,
    now_ms: int,
    default_source: str | None = None,
    rows_max: int = ROWS_MAX,
    defaults: Defaults | None = None,
    needs_time: bool = False,
) -> SignalFile:
    """Read a file as `read_signal_file` does, with the place of each signal; `defaults` fill in what rows lack.

    With `needs_time` a row that does not say when its signal was made is a bad row.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputFileError(f"`{one_line(str(path))}` cannot be read: {reason.lower()}") from None
    source = path.stem.replace(":", "_")[:128] if default_source is None else default_source
    return load_signals(
        raw,
        path.name,
        now_ms=now_ms,
        default_source=source,
        rows_max=rows_max,
        defaults=defaults,
        needs_time=needs_time,
    )


def read_signals(
    raw: bytes | str, name: str, *, now_ms: int, default_source: str, rows_max: int = ROWS_MAX
) -> tuple[Signal, ...]:
    """Read the signals of a file's content; see `load_signals`."""
    return load_signals(raw, name, now_ms=now_ms, default_source=default_source, rows_max=rows_max).signals


def load_signals(
    raw: bytes | str,
    name: str,
    *,
    now_ms: int,
    default_source: str,
    rows_max: int = ROWS_MAX,
    defaults: Defaults | None = None,
    needs_time: bool = False,
) -> SignalFile:
    """Read the signals of a file's content, in its order; `name` tells the format by its ending and is named in errors.

    A signal that stands there twice comes once; an empty file has none. Raises InputFileError that names every bad row.
    """
    text = _text_of(raw, name)
    if text.strip() == "":
        return SignalFile(name, ())
    form = format_of(name, text, frozenset(COLUMNS))
    flaws: list[Flaw] = []
    found: dict[tuple[str, str], tuple[Signal, Place]] = {}
    for number, record in enumerate(_records(text, form, flaws, needs_time=needs_time)):
        if number == rows_max:
            raise InputFileError(f"`{one_line(name)}` has more than {rows_max} rows: split it")
        if needs_time and _lacks_time(record, form):
            flaws.append(Flaw(record.place, _TIME, f"is missing: {_WHY_TIME}"))
        try:
            cells = record.cells if defaults is None else filled_in(record.cells, defaults)
            signal = signal_of(cells, now_ms, default_source)
        except BadRow as bad:
            flaws.extend(Flaw(record.place, column, message) for column, message in bad.flaws)
            continue
        first = found.setdefault((signal.source, signal.external_id), (signal, record.place))
        if first[0] is not signal and first[0].content() != signal.content():
            flaws.append(Flaw(record.place, "id", f"`{signal.key}` stands in {first[1]} with other content"))
    if flaws:
        raise refusal(name, flaws, _NOTHING)
    return SignalFile(name, tuple(found.values()))


def _text_of(raw: bytes | str, name: str) -> str:
    if len(raw) > BYTES_MAX:
        raise InputFileError(f"`{one_line(name)}` is larger than {BYTES_MAX // 1024 // 1024} MiB: split it")
    try:
        text = (raw.encode() if isinstance(raw, str) else raw).decode("utf-8-sig")
    except UnicodeError as error:
        place = "" if not isinstance(error, UnicodeDecodeError) else f" (byte {error.start})"
        raise InputFileError(
            f"`{one_line(name)}` is not UTF-8 text{place}", hint="save it as UTF-8, in a spreadsheet as `CSV UTF-8`"
        ) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise refusal(name, [Flaw(Place("line", line), None, "holds a NUL character: the file is not text")], _NOTHING)
    return text


def _lacks_time(record: Record, form: Format) -> bool:
    """Whether a record leaves out its time; where a CSV has no such column, its header was told so, once."""
    cell = dict(record.cells).get(_TIME)
    if cell is None:
        return form is not Format.CSV
    return (cell if isinstance(cell, str) else "".join(cell)).strip() == ""


def _records(text: str, form: Format, flaws: list[Flaw], *, needs_time: bool) -> Iterator[Record]:
    """Yield the records that can be looked at, the header of a CSV checked and left out; flaws are collected."""
    is_header_due = form is Format.CSV
    for found in read_records(text, form):
        if isinstance(found, Flaw):
            flaws.append(found)
        elif is_header_due:
            is_header_due = False
            refused = _header_flaws(found)
            flaws.extend(refused)
            if refused:
                return
            if needs_time and all(column != _TIME for column, _ in found.cells):
                flaws.append(Flaw(found.place, _TIME, f"the column is missing: {_WHY_TIME}"))
        else:
            yield found


def _header_flaws(header: Record) -> list[Flaw]:
    names = [name for name, _ in header.cells]
    flaws = [Flaw(header.place, name, reason) for name in names if (reason := unknown_column(name)) is not None]
    doubled = dict.fromkeys(name for name in names if names.count(name) > 1)
    flaws.extend(Flaw(header.place, name, "stands there twice") for name in doubled)
    if len(names) == 1 and ";" in names[0]:
        return [Flaw(header.place, None, "has one column: columns are separated by commas, not by semicolons")]
    flaws.extend(Flaw(header.place, name, "the column is missing") for name in NEEDED if name not in names)
    return flaws
