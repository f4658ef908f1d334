"""Texts that a spreadsheet would run: how they are marked when written to CSV, and read back.

Shared by what writes CSV and what reads it, so that an exported file comes back as it was. The rule to
keep: `restored(neutral(text)) == text` for every text.
"""

from __future__ import annotations

import re

# Quotes and blanks before the sign are skipped by some spreadsheets; the full-width signs are taken
# for the ASCII ones by others.
_FORMULA = re.compile(r"[\"'\s\ufeff\u200b-\u200f]*[=+\-@＝＋－＠]|[\"' ]*[\t\r\n]")


def neutral(text: str) -> str:
    """Put a `'` before a text that a spreadsheet would take for a formula."""
    return f"'{text}" if _FORMULA.match(text) is not None else text


def restored(text: str) -> str:
    """Undo `neutral`, for reading back what was exported."""
    is_marked = text.startswith("'") and _FORMULA.match(text, 1) is not None
    return text[1:] if is_marked else text
