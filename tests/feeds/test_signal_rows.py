"""Exported signals come back as they were, also through a spreadsheet's neutralised cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.instants import LAST_MS
from papertrade.engine.market import Side
from papertrade.engine.money import canonical
from papertrade.engine.signal import (
    EntryType,
    ExitWish,
    Level,
    LevelKind,
    Signal,
    Size,
    SizeKind,
    TargetWish,
)
from papertrade.feeds.signal_files import read_signals
from papertrade.feeds.signal_rows import COLUMNS, signal_rows
from papertrade.formula_cells import neutral, restored

_CELL = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
_WORD = st.text(alphabet="ab=+-@'\"é中 ,", min_size=1, max_size=12).filter(lambda text: text == text.strip())
_NUMBER = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(10) ** 9, places=8).map(canonical)
_PERCENT = st.decimals(min_value=Decimal("0.01"), max_value=99, places=2).map(canonical)
_LEVEL = st.one_of(
    st.builds(Level, st.just(LevelKind.PRICE), _NUMBER),
    st.builds(Level, st.sampled_from([LevelKind.PERCENT, LevelKind.SIGNED_PERCENT]), _PERCENT),
    st.builds(Level, st.just(LevelKind.SIGNED_PERCENT), _PERCENT.map(lambda value: -value)),
)
_TARGETS = st.lists(_LEVEL, max_size=3, unique=True).flatmap(
    lambda levels: st.sampled_from([None, Decimal("0.3")]).map(
        lambda share: tuple(TargetWish(level, share) for level in levels)
    )
)
_SIZE = st.builds(Size, st.sampled_from(SizeKind), _PERCENT)
_ENTRY = st.one_of(
    st.just((EntryType.MARKET, None)), st.tuples(st.sampled_from([EntryType.LIMIT, EntryType.STOP]), _NUMBER)
)


@st.composite
def signals(draw: st.DrawFn) -> Signal:
    kind, price = draw(_ENTRY)
    made_at = draw(st.integers(0, LAST_MS - 1))
    return Signal(
        source=draw(_WORD),
        external_id=draw(_WORD),
        symbol=draw(st.sampled_from(["BTCUSDT", "1INCHUSDT", "ES.U6"])),
        side=draw(st.sampled_from(Side)),
        made_at_ms=made_at,
        entry_type=kind,
        entry_price=price,
        exits=ExitWish(draw(st.none() | _LEVEL), draw(_TARGETS)),
        size=draw(st.none() | _SIZE),
        expires_at_ms=draw(st.none() | st.integers(made_at + 1, LAST_MS)),
        confidence=draw(st.none() | st.decimals(0, 1, places=3).map(canonical)),
        reason=draw(st.text(alphabet="ab=+-@'\"é中 ;,\n\r\t\x1b", max_size=20)),
        tags=tuple(draw(st.lists(_WORD, max_size=3, unique=True))),
    )


def written(cells: Sequence[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(cells)
    return out.getvalue()


@given(st.lists(signals(), max_size=4, unique_by=lambda signal: signal.key))
def test_exported_signals_are_imported_as_they_were(given_signals: list[Signal]) -> None:
    rows = [[neutral(cell) for cell in row] for row in signal_rows(given_signals)]
    text = written([COLUMNS, *rows])
    assert list(read_signals(text, "x.csv", now_ms=0, default_source="s")) == given_signals


@given(_CELL | st.text(alphabet="'\"= +-@\t\r\n＝a", max_size=8))
def test_a_marked_cell_is_restored(text: str) -> None:
    assert restored(neutral(text)) == text


@given(_CELL | st.text(alphabet="'\"= +-@\t\r\n＝a", max_size=8))
def test_no_marked_cell_begins_like_a_formula(text: str) -> None:
    assert neutral(text)[:1] not in tuple("=+-@\t\r＝＋－＠")
