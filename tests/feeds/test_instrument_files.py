"""Instruments out of a file: what `instruments --json` printed comes back, and every flaw is named."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.instrument import Instrument
from papertrade.errors import InputFileError
from papertrade.feeds.instrument_files import read_instruments

ITEM = {"symbol": "BTC/USDT", "venue": "binance", "base": "BTC", "quote": "USDT", "price_step": "0.01"}
KNOWN = Instrument(
    venue="binance",
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    price_step=Decimal("0.01"),
    quantity_step=Decimal(0),
)


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "known.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [[ITEM], {"items": [ITEM], "total": 1}, {"success": True, "data": {"items": [ITEM]}}],
    ids=["list", "items", "envelope"],
)
def test_every_shape_is_read(tmp_path: Path, content: object) -> None:
    assert read_instruments(written(tmp_path, content)) == (KNOWN,)


def test_every_number_is_its_own(tmp_path: Path) -> None:
    names = ("price_step", "quantity_step", "quantity_min", "quantity_max", "notional_min", "notional_max")
    numbers = {name: str(number) for number, name in enumerate(names, start=1)}
    (found,) = read_instruments(written(tmp_path, [{**ITEM, **numbers, "hours": "09-17"}]))
    assert [getattr(found, name) for name in names] == [1, 2, 3, 4, 5, 6]
    assert found.hours == "09-17"


def test_a_text_may_have_64_characters(tmp_path: Path) -> None:
    (found,) = read_instruments(written(tmp_path, [{**ITEM, "base": "x" * 64}]))
    assert found.base == "x" * 64


def test_a_number_may_stand_bare(tmp_path: Path) -> None:
    (found,) = read_instruments(written(tmp_path, [{**ITEM, "quantity_min": 2, "notional_min": 5.5}]))
    assert (found.quantity_min, found.notional_min) == (Decimal(2), Decimal("5.5"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON: line 1: "),
        ('[\n{"symbol": "BTCUSDT",}\n]', "is not JSON: line 2: "),
        (b"\xff[]".decode("latin-1") + "x", "is not JSON: line 1: "),
        ("{}", "holds no list of instruments"),
        ("3", "holds no list of instruments"),
        ('{"data": 3}', "holds no list of instruments"),
        ([3], "line 1, item 1: is not an object"),
        ([{}], "line 1, item 1: `venue` is missing or not a short text"),
        ([{**ITEM, "base": "x" * 65}], "line 1, item 1: `base` is missing or not a short text"),
        ([{**ITEM, "base": ""}], "line 1, item 1: `base` is missing or not a short text"),
        ([{**ITEM, "symbol": "!"}], "line 1, item 1: '!' is not a symbol"),
        ([{**ITEM, "price_step": True}], "line 1, item 1: `price_step` is not a number"),
        ([{**ITEM, "price_step": "1e5"}], "line 1, item 1: `price_step`: `1e5` is not a plain decimal number"),
        ([{**ITEM, "price_step": "-1"}], "line 1, item 1: price_step `-1` of BTCUSDT must be 0 or more"),
        ([ITEM, ITEM], "line 1, item 2: BTCUSDT stands there twice"),
        ([{**ITEM, "price_stepp": "1"}], "line 1, item 1: `price_stepp` is not known: did you mean `price_step`?"),
        ([{**ITEM, "zzz": "1"}], "line 1, item 1: `zzz` is not known"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(InputFileError) as failed:
        read_instruments(written(tmp_path, content))
    assert message in failed.value.message
    assert failed.value.hint == "papertrade instruments BTCUSDT --save instruments.json"


def test_a_file_without_any(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="has no instruments"):
        read_instruments(written(tmp_path, {"data": {"items": []}}))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="is a directory"):
        read_instruments(tmp_path)
    with pytest.raises(InputFileError, match="not a path"):
        read_instruments(tmp_path / "a\0b")


def test_a_file_beyond_all_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papertrade.feeds.instrument_files._BYTES_MAX", 10)
    with pytest.raises(InputFileError, match="is larger than 0 MiB"):
        read_instruments(written(tmp_path, [ITEM]))


def test_every_flaw_has_its_line(tmp_path: Path) -> None:
    good, bad = json.dumps(ITEM), json.dumps({**ITEM, "symbol": "ETHUSDT", "quantity_min": "x"})
    envelope = (
        f'{{"success": true,\n "other": [1, {{"items": 2}}],\n "data": {{"items": [\n{good},\n{bad},\n\n{good} ]}}}}\n'
    )
    with pytest.raises(InputFileError) as failed:
        read_instruments(written(tmp_path, envelope))
    path = tmp_path / "known.json"
    assert failed.value.message.splitlines() == [
        f"{path} line 5, item 2: `quantity_min`: `x` is not a plain decimal number",
        f"{path} line 7, item 3: BTCUSDT stands there twice",
    ]
    assert [row["line"] for row in failed.value.details["rows"]] == [5, 7]  # type: ignore[index, union-attr, call-overload]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_bytes(b"[\xff]")
    with pytest.raises(InputFileError, match="is not JSON"):
        read_instruments(path)


def test_of_very_many_flaws_the_first_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputFileError) as failed:
        read_instruments(written(tmp_path, [3] * 25))
    assert failed.value.message.splitlines()[-1] == "and 5 more"
    assert len(failed.value.details["rows"]) == 25  # type: ignore[arg-type]
