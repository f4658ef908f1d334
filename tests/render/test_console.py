"""Screens: colour, width and characters follow the stream and the environment."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from papertrade.render.console import Progress, Screen, rich_console
from papertrade.render.tables import Column, Frame
from papertrade.render.text import Cell, Tone
from tests.cli import Stream

COLORFUL = {"TERM": "xterm-256color", "LANG": "de_DE.UTF-8", "COLUMNS": "80"}


def test_a_pipe_is_wide_plain_and_colourless() -> None:
    screen = Screen(Stream(), COLORFUL)
    assert (screen.frame, screen.width, screen.is_colored, screen.is_unicode) == (Frame(), 100, False, False)


def test_a_terminal_has_its_width_and_colour() -> None:
    screen = Screen(Stream(is_terminal=True), COLORFUL)
    assert screen.frame == Frame(limit=80, is_unicode=True)
    assert screen.is_colored


@pytest.mark.parametrize("columns", ["", "0", "wide", "٣"])
def test_a_width_that_nobody_knows_is_100(columns: str) -> None:
    assert Screen(Stream(is_terminal=True), {"COLUMNS": columns}).width == 100


@pytest.mark.parametrize(
    ("environment", "is_unicode"),
    [
        ({}, False),
        ({"LANG": "C"}, False),
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, False),
        ({"LC_CTYPE": "en_US.utf8"}, True),
    ],
)
def test_drawing_characters_follow_the_locale(environment: Mapping[str, str], is_unicode: bool) -> None:
    assert Screen(Stream(is_terminal=True), environment).is_unicode is is_unicode


def test_f37_a_line_is_coloured_made_safe_and_never_markup() -> None:
    stream = Stream(is_terminal=True)
    screen = Screen(stream, COLORFUL)
    screen.line("[red]x[/red] :smile: ", Cell("\x1b+5", Tone.GAIN), " 7")
    screen.line("plain \x07")
    screen.blank()
    assert stream.text() == "[red]x[/red] :smile: \x1b[32m\\u{1b}+5\x1b[0m 7\nplain \\u{7}\n\n"


def test_a_long_line_is_not_broken() -> None:
    stream = Stream(is_terminal=True)
    Screen(stream, COLORFUL).line(Cell("word " * 60, Tone.STRONG))
    assert stream.text().count("\n") == 1
    assert stream.text().count("word") == 60


def test_a_table_fits_the_screen() -> None:
    stream = Stream()
    Screen(stream, {}).table([Column("A")], [["x"]], total=["y"])
    assert stream.text() == "A\n-\nx\n-\ny\n"


def test_the_console_is_made_once_and_leaves_broken_pipes_alone() -> None:
    screen = Screen(Stream(), {})
    assert screen.console is screen.console
    assert (screen.console.width, screen.console.no_color) == (100, True)
    with pytest.raises(BrokenPipeError):
        rich_console(Stream(), 80, is_colored=False).on_broken_pipe()


def test_progress_rewrites_one_line() -> None:
    stream = Stream(is_terminal=True)
    with Progress(stream, "import\x1b", 200) as steps:
        steps.advance()
        steps.advance(199)
    assert stream.text() == ("\rimport\\u{1b}   0% (0/200)\x1b[K\rimport\\u{1b} 100% (200/200)\x1b[K\r\x1b[K")


@pytest.mark.parametrize(("is_terminal", "total", "is_wanted"), [(False, 5, True), (True, 0, True), (True, 5, False)])
def test_progress_is_silent_elsewhere(is_terminal: bool, total: int, is_wanted: bool) -> None:
    stream = Stream(is_terminal=is_terminal)
    with Progress(stream, "x", total, is_wanted=is_wanted) as steps:
        steps.advance()
    assert stream.text() == ""


LONG = (Cell("#1 open long at ", Tone.STRONG), Cell("110"), Cell(", stop 95, target 120 ", Tone.DIM), "free 1")


def test_a_pipe_gets_a_long_line_whole() -> None:
    stream = Stream()
    Screen(stream, {"COLUMNS": "20"}).flow(*LONG)
    assert stream.text() == "#1 open long at 110, stop 95, target 120 free 1\n"


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("47", ["#1 open long at 110, stop 95, target 120 free 1"]),
        ("46", ["#1 open long at 110, stop 95, target 120 free ", "   1"]),
        ("19", ["#1 open long at ", "   110, stop 95, ", "   target 120 free ", "   1"]),
    ],
)
def test_a_terminal_gets_it_broken_between_words(columns: str, expected: list[str]) -> None:
    stream = Stream(is_terminal=True)
    Screen(stream, {"COLUMNS": columns, "NO_COLOR": "1"}).flow(*LONG)
    assert stream.text().splitlines()[: len(expected)] == expected
