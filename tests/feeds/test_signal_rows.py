"""Exported signals come back as they were, also through a spreadsheet's neutralised cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.instants import LAST_MS
from papertrade.engine.market import Side
from papertrade.engine.money import canonical
from papertrade.engine.signal import (
    BreakEvenWish,
    EntryType,
    ExitWish,
    Level,
    LevelKind,
    Signal,
    Size,
    SizeKind,
    TargetWish,
    TimeLimitWish,
    TrailWish,
    parse_level,
    parse_target,
    parse_trail,
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
_PLACES = st.one_of(_LEVEL, _PERCENT.map(lambda value: Level(LevelKind.RISK, value)))
_TRAIL = st.builds(
    TrailWish,
    st.builds(Level, st.sampled_from([LevelKind.PERCENT, LevelKind.PRICE, LevelKind.RISK]), _PERCENT),
    st.none() | _PLACES,
)
_TIME_LIMIT = st.integers(1, 10**6).map(lambda seconds: TimeLimitWish(after_ms=seconds * 1000))
_AFTER = st.one_of(_PLACES, st.sampled_from([Level(LevelKind.EVEN), Level(LevelKind.EVEN_GROSS)]))
_SIZE = st.builds(Size, st.sampled_from(SizeKind), _PERCENT)
_ENTRY = st.one_of(
    st.just((EntryType.MARKET, None)), st.tuples(st.sampled_from([EntryType.LIMIT, EntryType.STOP]), _NUMBER)
)


@st.composite
def exits(draw: st.DrawFn, made_at: int) -> ExitWish:
    stop, targets = draw(_LEVEL), draw(_TARGETS)
    dated = st.builds(TimeLimitWish, st.none(), st.integers(made_at + 1, LAST_MS))
    has_rest = len(targets) > 1 or any(target.fraction is not None for target in targets)
    return ExitWish(
        stop,
        targets,
        draw(st.none() | _TRAIL),
        draw(st.none() | st.builds(BreakEvenWish, _PLACES, st.booleans())),
        draw(st.none() | _TIME_LIMIT | dated),
        draw(st.none() | _AFTER) if has_rest else None,
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
        exits=draw(st.builds(ExitWish, st.none() | _LEVEL, _TARGETS) | exits(made_at)),
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


def test_a_row_wishes_all_exits() -> None:
    text = (
        "symbol,side,stop_loss,take_profit,trail,break_even,time_limit\n"
        "A,long,2%;be,110:0.5;120:0.5,2%@+4%,1R:gross,4h\n"
        "A,short,;101,5%:0.5,150,+2%,2026-11-20T10:00Z\n"
    )
    long, short = (signal.exits for signal in read_signals(text, "x.csv", now_ms=0, default_source="s"))
    assert [str(wish) for wish in (long.stop, long.after_first, long.trail, long.break_even, long.time_limit)] == [
        "2%",
        "be",
        "2%@+4%",
        "1R:gross",
        "4h",
    ]
    assert short.stop is None
    assert [str(wish) for wish in (short.after_first, short.trail, short.break_even, short.time_limit)] == [
        "101",
        "150",
        "+2%",
        "2026-11-20T10:00:00.000Z",
    ]


FORMATS = [
    ("x.json", '[{"symbol": "A", "side": "long", "stop_loss": ["2%", "be"], "take_profit": ["1R:0.5"], "trail": 1.5}]'),
    ("x.ndjson", '{"symbol": "A", "side": "long", "stop_loss": "2%;be", "take_profit": "1R:0.5", "trail": "1.5"}'),
    ("x.yaml", "- {symbol: A, side: long, stop_loss: [2%, be], take_profit: 1R:0.5, trail: 1.5}"),
]


@pytest.mark.parametrize(("name", "text"), FORMATS)
def test_every_format_wishes_the_same(name: str, text: str) -> None:
    (signal,) = read_signals(text, name, now_ms=0, default_source="s")
    assert signal.exits == ExitWish(
        parse_level("2%"), (parse_target("1R:0.5"),), parse_trail("1.5"), after_first=parse_level("be")
    )
