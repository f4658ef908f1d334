"""Nothing that somebody else wrote acts on a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.render.text import safe, safe_lines

PAYLOADS = [
    ("\x1b[2J\x1b]0;title\x07", r"\u{1b}[2J\u{1b}]0;title\u{7}"),
    ("\x9b31m", r"\u{9b}31m"),
    ("a\nb\tc\rd", r"a\u{a}b\u{9}c\u{d}d"),
    ("del\x7f", r"del\u{7f}"),
    ("abc\u202edef\u202c", r"abc\u{202e}def\u{202c}"),
    ("\u2066x\u2069", r"\u{2066}x\u{2069}"),
    ("BTC\u200bUSDT\ufeff", r"BTC\u{200b}USDT\u{feff}"),
    ("line\u2028end", r"line\u{2028}end"),
    ("half \ud800", r"half \u{d800}"),
    ("[red]markup[/red] :smile:", "[red]markup[/red] :smile:"),
    ("日本語 é 🙂", "日本語 é 🙂"),
]


@pytest.mark.parametrize(("hostile", "shown"), PAYLOADS)
def test_unseen_characters_become_visible(hostile: str, shown: str) -> None:
    assert safe(hostile) == shown


@given(st.text(st.characters()))
def test_safe_text_has_nothing_unseen_and_stays_safe(text: str) -> None:
    shown = safe(text)
    assert {unicodedata.category(character) for character in shown}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert safe(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe(text) == text


def test_lines_of_a_message_stay_lines() -> None:
    assert safe_lines("one\n\x1btwo") == "one\n\\u{1b}two"
