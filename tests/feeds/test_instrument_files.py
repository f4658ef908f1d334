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


def test_a_number_may_stand_bare(tmp_path: Path) -> None:
    (found,) = read_instruments(written(tmp_path, [{**ITEM, "quantity_min": 2, "notional_min": 5.5}]))
    assert (found.quantity_min, found.notional_min) == (Decimal(2), Decimal("5.5"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ('{"data": 3}', "holds no list of instruments"),
        ([3], "item 1: is not an object"),
        ([{}], "item 1: `venue` is missing or not a short text"),
        ([{**ITEM, "symbol": "!"}], "item 1: '!' is not a symbol"),
        ([{**ITEM, "price_step": True}], "item 1: `price_step` is not a number"),
        ([{**ITEM, "price_step": "1e5"}], "item 1: `price_step`: `1e5` is not a plain decimal number"),
        ([{**ITEM, "price_step": "-1"}], "item 1: price_step `-1` of BTCUSDT must be 0 or more"),
        ([ITEM, ITEM], "item 2: BTCUSDT stands there twice"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(InputFileError) as failed:
        read_instruments(written(tmp_path, content))
    assert message in failed.value.message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="is a directory"):
        read_instruments(tmp_path)
    with pytest.raises(InputFileError, match="not a path"):
        read_instruments(tmp_path / "a\0b")


def test_a_file_beyond_all_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("papertrade.feeds.instrument_files._BYTES_MAX", 10)
    with pytest.raises(InputFileError, match="is larger than 0 MiB"):
        read_instruments(written(tmp_path, [ITEM]))
