"""Signals, levels, targets and sizes as people write them: what is read, what prints, what is refused and how."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.engine.market import Side
from papertrade.engine.signal import (
    EntryType,
    ExitWish,
    Level,
    LevelKind,
    Signal,
    Size,
    SizeKind,
    TargetWish,
    hash_id,
    parse_level,
    parse_size,
    parse_target,
)

D = Decimal


def signal(**more: object) -> Signal:
    wish: dict[str, object] = {"source": "tv", "external_id": "7", "symbol": "X", "side": Side.LONG, "made_at_ms": 0}
    return Signal(**{**wish, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("95", Level(LevelKind.PRICE, D(95))),
        ("2%", Level(LevelKind.PERCENT, D(2))),
        ("-2%", Level(LevelKind.SIGNED_PERCENT, D(-2))),
        ("+4.5%", Level(LevelKind.SIGNED_PERCENT, D("4.5"))),
        ("2R", Level(LevelKind.RISK, D(2))),
        ("1.5r", Level(LevelKind.RISK, D("1.5"))),
        (" 95 ", Level(LevelKind.PRICE, D(95))),
    ],
)
def test_levels_are_read(text: str, level: Level) -> None:
    assert parse_level(text) == level


@pytest.mark.parametrize(
    "text", ["", "-95", "+95", "-2R", "%", "R", "2%%", "2 %", "1e3", "be2", "NaN", "９５", "95.", "01"]
)
def test_what_is_no_level_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a (level|plain decimal)"):
        parse_level(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", "level `0` must be above 0"),
        ("0%", "level `0%` must be above 0"),
        ("0R", "level `0R` must be above 0"),
        ("-100%", "level `-100%` would be a price of 0 or less"),
        ("110:0", "fraction `0` of a target must be above 0 and at most 1"),
        ("110:1.01", "fraction `1.01` of a target must be above 0 and at most 1"),
    ],
)
def test_impossible_levels_and_fractions_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_target(text)


def test_a_level_that_is_no_number_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="is not a number"):
        Level(LevelKind.PRICE, D("NaN"))


numbers = st.decimals("0.00000001", "1000000", places=8)
levels = st.builds(Level, st.sampled_from([LevelKind.PRICE, LevelKind.PERCENT, LevelKind.RISK]), numbers) | st.builds(
    Level, st.just(LevelKind.SIGNED_PERCENT), st.decimals("-99", "500", places=4)
)


@given(st.builds(TargetWish, levels, st.none() | st.decimals("0.01", "1", places=4)))
def test_targets_and_levels_print_as_they_are_read(wish: TargetWish) -> None:
    assert parse_target(str(wish)) == wish
    assert parse_level(str(wish.level)) == wish.level


@given(st.text(max_size=12) | st.text("0123456789.%Rr+-: ", max_size=12))
def test_only_value_errors_escape_from_reading(text: str) -> None:
    readers = (parse_level, parse_target, lambda t: parse_size("risk", t), lambda t: parse_size("percent", t))
    for read in readers:
        try:
            assert str(read(text))
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("measure", "text", "kind", "value"),
    [
        ("size", "0.5", SizeKind.QUANTITY, "0.5"),
        ("notional", "500", SizeKind.NOTIONAL, "500"),
        ("percent", "10", SizeKind.PERCENT, "10"),
        ("percent", "10%", SizeKind.PERCENT, "10"),
        ("risk", "1%", SizeKind.RISK_PERCENT, "1"),
        ("risk", "50", SizeKind.RISK_AMOUNT, "50"),
    ],
)
def test_sizes_are_read(measure: str, text: str, kind: SizeKind, value: str) -> None:
    assert parse_size(measure, text) == Size(kind, D(value))


@pytest.mark.parametrize(
    ("measure", "text", "message"),
    [
        ("size", "5%", "`5%` is not a size: write a plain number"),
        ("notional", "5%", "`5%` is not a notional: write a plain number"),
        ("lots", "5", "`5` is not a lots"),
        ("size", "0", "size `0` must be above 0"),
        ("risk", "-1", "size `-1` must be above 0"),
        ("percent", "101", "`101` percent is more than the balance"),
        ("risk", "100.5%", "`100.5` percent is more than the balance"),
        ("size", "many", "is not a plain decimal number"),
    ],
)
def test_impossible_sizes_are_refused(measure: str, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_size(measure, text)


PRICE, TWO_R = Level(LevelKind.PRICE, D(110)), Level(LevelKind.RISK, D(2))


@pytest.mark.parametrize(
    ("stop", "targets", "message"),
    [
        (TWO_R, (), "stop `2R` cannot be in risks: the stop defines the risk"),
        (None, (TargetWish(TWO_R),), "needs a stop loss"),
        (PRICE, (TargetWish(PRICE, D("0.5")), TargetWish(TWO_R)), "either every target has a fraction or none has"),
        (PRICE, (TargetWish(PRICE, D("0.6")), TargetWish(TWO_R, D("0.5"))), "sum to `1.1`, more than 1"),
        (PRICE, (TargetWish(PRICE), TargetWish(PRICE)), "two targets have the same level"),
    ],
)
def test_contradictory_exits_are_refused(stop: Level | None, targets: tuple[TargetWish, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExitWish(stop, targets)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": ""}, "source must have 1 to 128 characters"),
        ({"external_id": "x" * 129}, "external_id must have 1 to 128 characters"),
        ({"source": "a:b"}, "source `a:b` must not contain a colon"),
        ({"entry_price": D(5)}, "a limit or stop entry needs a price, and a market entry has none"),
        ({"entry_type": EntryType.LIMIT}, "a limit or stop entry needs a price"),
        ({"entry_type": EntryType.STOP, "entry_price": D(0)}, "entry price `0` must be above 0"),
        ({"entry_type": EntryType.STOP, "entry_price": D("NaN")}, "entry price `NaN` must be above 0"),
        ({"confidence": D("1.1")}, "confidence `1.1` must lie between 0 and 1"),
        ({"tags": ("",)}, "must have 1 to 64 characters"),
        ({"tags": (" a",)}, "no blank around it"),
        ({"tags": ("a;b",)}, "no semicolon"),
        ({"tags": ("x" * 65,)}, "must have 1 to 64 characters"),
    ],
)
def test_malformed_signals_cannot_be_made(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        signal(**fields)


def test_content_is_the_idea_without_its_identity() -> None:
    same = signal(source="other", external_id="9", size=Size(SizeKind.QUANTITY, D("0.50")))
    twin = signal(size=Size(SizeKind.QUANTITY, D("0.5")))
    other = signal(size=Size(SizeKind.QUANTITY, D("0.5")), exits=ExitWish(PRICE, (TargetWish(TWO_R),)))
    assert same.content() == twin.content() != other.content()
    assert twin.key == "tv:7"
    assert len(hash_id(twin.content())) == 16
    sure = signal(entry_type=EntryType.LIMIT, entry_price=D("98.50"), confidence=D("0.70"))
    assert [signal(confidence=D(text)).confidence for text in ("0", "1")] == [D(0), D(1)]
    assert sure.content() == signal(entry_type=EntryType.LIMIT, entry_price=D("98.5"), confidence=D("0.7")).content()


def test_content_tells_signals_apart_by_whatever_they_say() -> None:
    limit: dict[str, object] = {"entry_type": EntryType.LIMIT, "entry_price": D(98)}
    said: list[dict[str, object]] = [
        {},
        limit,
        {**limit, "entry_price": D(99)},
        {**limit, "entry_type": EntryType.STOP},
        {"confidence": D("0.5")},
        {"confidence": D("0.6")},
        {"size": Size(SizeKind.QUANTITY, D(1))},
        {"size": Size(SizeKind.QUANTITY, D(2))},
        {"size": Size(SizeKind.NOTIONAL, D(2))},
        {"exits": ExitWish(PRICE)},
        {"exits": ExitWish(PRICE, (TargetWish(TWO_R),))},
        {"side": Side.SHORT},
        {"symbol": "ETHUSDT"},
        {"reason": "because"},
        {"tags": ("a",)},
        {"tags": ("a", "b")},
    ]
    assert len({signal(**fields).content() for fields in said}) == len(said)


@pytest.mark.parametrize(
    ("side", "entry_type", "below"),
    [
        (Side.LONG, EntryType.LIMIT, True),
        (Side.LONG, EntryType.STOP, False),
        (Side.SHORT, EntryType.LIMIT, False),
        (Side.SHORT, EntryType.STOP, True),
    ],
)
def test_which_way_an_entry_waits(side: Side, entry_type: EntryType, below: bool) -> None:
    assert entry_type.waits_below(side) is below
