"""Where output goes: one `Screen` for a person, made once, and the progress of long work on stderr.

Colour, width and drawing characters are decided here from the stream and the environment that are
handed in. The rule to keep: data on stdout, remarks on stderr, and Rich only ever sees `Text` objects
made of safe cells, never markup. Rich is loaded only where something is coloured.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from papertrade.render.tables import Column, Frame, Line, Row, table
from papertrade.render.text import Cell, Tone, safe

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100
"""Columns that everything fits when nobody says how many there are."""

_INDENT = "   "


class Screen:
    """One output stream with what it can show. `frame.limit` is None in a pipe: nothing is cut there."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str], *, wants_color: bool = True) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.width = _width(stream, environment) if self.is_terminal else WIDTH
        self.is_unicode = self.is_terminal and _shows_unicode(environment)
        self.is_colored = self.is_terminal and wants_color and _allows_color(environment)
        self.frame = Frame(limit=self.width if self.is_terminal else None, is_unicode=self.is_unicode)
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """The Rich console on this stream, for live displays; made at the first use."""
        if self._console is None:
            self._console = rich_console(self.stream, self.width, is_colored=self.is_colored)
        return self._console

    def line(self, *parts: str | Cell) -> None:
        """Write one line, however long; the terminal wraps it, a pipe gets it whole."""
        cells = [part if isinstance(part, Cell) else Cell(part) for part in parts]
        if not self.is_colored or all(cell.tone is Tone.PLAIN for cell in cells):
            self.stream.write("".join(safe(cell.text) for cell in cells) + "\n")
            return
        from rich.text import Text

        text = Text(no_wrap=True, overflow="ignore")
        for cell in cells:
            text.append(safe(cell.text), cell.tone.value)
        self.console.print(text, soft_wrap=True)

    def flow(self, *parts: str | Cell) -> None:
        """Write one line: broken between words on a terminal, indented from the second on; a pipe gets it whole."""
        if not self.is_terminal:
            self.line(*parts)
            return
        from rich.cells import cell_len

        rows: list[list[Cell]] = [[]]
        used = 0
        for word in _spoken(parts):
            text = safe("".join(cell.text for cell in word))
            if used > len(_INDENT) and used + cell_len(text.rstrip(" ")) > self.width:
                rows.append([Cell(_INDENT)])
                used = len(_INDENT)
            rows[-1] += word
            used += cell_len(text)
        self.lines([tuple(row) for row in rows])

    def lines(self, lines: Sequence[Line]) -> None:
        """Write several lines of cells."""
        for line in lines:
            self.line(*line)

    def table(self, columns: Sequence[Column], rows: Sequence[Row], total: Row | None = None) -> None:
        """Write a table that fits this screen."""
        self.lines(table(columns, rows, self.frame, total))

    def blank(self) -> None:
        """Write an empty line."""
        self.stream.write("\n")


class Progress:
    """How far long work is: one line on stderr, rewritten in place, only on a terminal and not with `-q`."""

    def __init__(self, stream: TextIO, label: str, total: int, *, is_wanted: bool = True) -> None:
        self._stream = stream
        self._label = safe(label)
        self._total = total
        self._done = 0
        self._shown: int | None = None
        self._is_shown = is_wanted and total > 0 and stream.isatty()

    def __enter__(self) -> Progress:
        self.advance(0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def advance(self, steps: int = 1) -> None:
        """Count work done; the line is rewritten when the whole percent changes."""
        self._done += steps
        if not self._is_shown:
            return
        percent = min(self._done * 100 // self._total, 100)
        if percent != self._shown:
            self._shown = percent
            self._stream.write(f"\r{self._label} {percent:3d}% ({self._done}/{self._total})\x1b[K")
            self._stream.flush()


def _spoken(parts: Sequence[str | Cell]) -> Iterator[list[Cell]]:
    """Yield the words of a line, each with the blank behind it; a word may have several tones."""
    word: list[Cell] = []
    for part in parts:
        cell = part if isinstance(part, Cell) else Cell(part)
        for piece in re.split("(?<= )", cell.text):
            word.append(Cell(piece, cell.tone))
            if piece.endswith(" "):
                yield word
                word = []
    yield word


def rich_console(stream: TextIO, width: int, *, is_colored: bool) -> Console:
    """Make a Rich console that interprets nothing and leaves a broken pipe to the error boundary."""
    from rich.console import Console

    class PlainConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return PlainConsole(
        file=stream,
        width=width,
        force_terminal=stream.isatty(),
        color_system="auto" if is_colored else None,
        no_color=not is_colored,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def _width(stream: TextIO, environment: Mapping[str, str]) -> int:
    declared = environment.get("COLUMNS", "")
    if declared.isascii() and declared.isdigit() and int(declared) > 0:
        return int(declared)
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH
    except OSError:
        return WIDTH


def _allows_color(environment: Mapping[str, str]) -> bool:
    return environment.get("NO_COLOR", "") == "" and environment.get("TERM", "") != "dumb"


def _shows_unicode(environment: Mapping[str, str]) -> bool:
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    return "utf-8" in locale.lower() or "utf8" in locale.lower()
