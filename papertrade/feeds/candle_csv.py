"""Candle files as CSV: the header, the lines, and which reader each chunk of them gets.

A row is one line, so that a chunk can be read without those before it. The rule to keep: the order of the columns
and the columns beside the six are the file's own business; a header that lacks one of the six is refused.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Final

from papertrade.errors import InputFileError
from papertrade.feeds.bad_rows import Flaw, Place, one_line, refusal
from papertrade.feeds.candle_chunks import Layout, read_chunk
from papertrade.feeds.candle_columns import NOTHING_READ, Parts
from papertrade.feeds.candle_header import COLUMNS, column_places, has_any
from papertrade.feeds.candle_rows import RowReader
from papertrade.feeds.file_bytes import Content

CHUNK: Final = 1024 * 1024
LINE_MAX: Final = 64 * 1024

_HEADER: Final = ",".join(COLUMNS)
_OTHER_SEPARATORS: Final = {";": "semicolons", "\t": "tabs"}


def read_csv(content: Content, *, is_quick: bool = True) -> Parts:
    """Read all candles. Without `is_quick` each row is looked at, with the same result. Raises InputFileError."""
    name = content.name
    parts = Parts(name, "line")
    rows = RowReader(name, "line")
    layout: Layout | None = None
    for text, first_line in _lines(content):
        chunk, line = text, first_line
        if layout is None:
            begin, line = _first_filled(text, line)
            if begin == len(text):
                continue
            end = text.index(b"\n", begin) + 1
            layout = _layout(_decoded(text[begin:end], line, name).rstrip("\r\n"), line, name)
            chunk, line = text[end:], line + 1
        if not chunk.strip():
            continue
        part = read_chunk(chunk, layout, line, rows.last_ms) if is_quick else None
        if part is None:
            part = rows.columns(_rows(chunk, layout, line, name))
        else:
            rows.last_ms = int(part.open_ms[-1])
        parts.add(part)
    rows.check()
    if layout is None:
        raise InputFileError(f"`{name}` is empty", hint=f"a candle file begins with `{_HEADER}`")
    return parts


def _lines(content: Content) -> Iterator[tuple[bytes, int]]:
    """Yield the content in chunks of whole lines, each with the number of its first line."""
    rest = b""
    line = 0
    while block := content.read(CHUNK):
        text = rest + block
        if line == 0:
            text, line = text.removeprefix(b"\xef\xbb\xbf"), 1
        end = text.rfind(b"\n") + 1
        count = text.count(b"\n", 0, end)
        rest = text[end:]
        if len(rest) > LINE_MAX:
            flaw = Flaw(Place("line", line + count), None, f"is longer than {LINE_MAX} characters")
            raise refusal(content.name, [flaw], NOTHING_READ)
        if end:
            yield text[:end], line
            line += count
    if rest:
        yield rest + b"\n", line


def _first_filled(text: bytes, line: int) -> tuple[int, int]:
    """Return where the first line that is not blank begins, and its number."""
    blanks = len(text) - len(text.lstrip())
    begin = blanks if blanks == len(text) else text.rfind(b"\n", 0, blanks) + 1
    return begin, line + text.count(b"\n", 0, begin)


def _layout(header: str, line: int, name: str) -> Layout:
    cells = _cells(header)
    if isinstance(cells, str):
        raise _header_refusal(name, line, [cells])
    if not has_any(cells):
        raise _no_header(header, line, name)
    try:
        return Layout(len(cells), column_places(cells))
    except ValueError as error:
        raise _header_refusal(name, line, str(error).split("\n")) from None


def _no_header(header: str, line: int, name: str) -> InputFileError:
    """Say what the first line is, if it has none of the columns."""
    for separator, word in _OTHER_SEPARATORS.items():
        if header.count(separator) >= 5:
            return _header_refusal(name, line, [f"columns are separated by commas, not by {word}"])
    if header[:1].isdigit():
        return InputFileError(
            f"{one_line(name)} line {line}: the header is missing",
            hint=f"put `{_HEADER}` before the first row, and the names of further columns after it",
        )
    return _header_refusal(name, line, [f"`{header}` is not the header of a candle file"])


def _header_refusal(name: str, line: int, messages: Sequence[str]) -> InputFileError:
    flaws = [Flaw(Place("line", line), "header", message) for message in messages]
    return refusal(name, flaws, NOTHING_READ, hint=f"a candle file begins with `{_HEADER}`")


def _rows(text: bytes, layout: Layout, line: int, name: str) -> Iterator[tuple[int, Sequence[str] | str]]:
    """Yield the six texts of each line that is not blank, or what is wrong with the line."""
    for number, row in enumerate(_decoded(text, line, name).split("\n")[:-1], line):
        cells = _cells(row.removesuffix("\r"))
        if isinstance(cells, str):
            yield number, cells
        elif not any(cell.strip() for cell in cells):
            continue
        elif len(cells) == layout.width:
            yield number, [cells[place] for place in layout.places]
        else:
            fields = "1 field" if len(cells) == 1 else f"{len(cells)} fields"
            yield number, f"has {fields}, the header has {layout.width}"


def _cells(row: str) -> Sequence[str] | str:
    """Return the cells of a line, or why it is not CSV."""
    if "\0" in row:
        return "holds a NUL character: the file is not text"
    if len(row) > LINE_MAX:
        return f"is longer than {LINE_MAX} characters"
    if '"' not in row:
        return row.split(",")
    try:
        return next(csv.reader((row,), strict=True))
    except csv.Error as error:
        return f"is not CSV: {error}"


def _decoded(text: bytes, line: int, name: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        number = line + text.count(b"\n", 0, error.start)
        raise InputFileError(
            f"{one_line(name)} line {number}: is not UTF-8 text",
            hint="save it as UTF-8, in a spreadsheet as `CSV UTF-8`",
        ) from None
