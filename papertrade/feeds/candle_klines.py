"""The exchange's own kline arrays, as its API answers them and people save them: a JSON list of lists.

A kline begins with open time, open, high, low, close and volume; what follows is left alone. The rule to keep: a
number is the text that stands in the file, whether the exchange wrote it in quotes or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final

from papertrade.errors import InputFileError
from papertrade.feeds.answer import excerpt
from papertrade.feeds.candle_columns import Parts
from papertrade.feeds.candle_header import COLUMNS
from papertrade.feeds.candle_rows import RowReader
from papertrade.feeds.file_bytes import Content

_BYTES_MAX: Final = 128 * 1024 * 1024
_FORM: Final = '`[[open time, "open", "high", "low", "close", "volume", …], …]`'


class _Number(str):
    """A JSON number as it stands in the file."""

    __slots__ = ()


def read_klines(content: Content) -> Parts:
    """Read all candles. Raises InputFileError."""
    parts = Parts(content.name, "item")
    rows = RowReader(content.name, "item")
    parts.add(rows.columns(_rows(_items(content))))
    rows.check()
    return parts


def _items(content: Content) -> Sequence[object]:
    try:
        items = json.loads(content.read_all(_BYTES_MAX), parse_float=_Number, parse_int=_Number, parse_constant=_Number)
    except UnicodeDecodeError:
        raise InputFileError(f"`{content.name}` is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise InputFileError(f"{content.name} line {error.lineno}: is not JSON: {error.msg.lower()}") from None
    except RecursionError:
        items = None
    if not isinstance(items, list):
        raise InputFileError(f"`{content.name}` is not a list of klines", hint=f"klines are {_FORM}")
    return items


def _rows(items: Sequence[object]) -> Iterator[tuple[int, Sequence[str] | str]]:
    for number, item in enumerate(items, 1):
        if not isinstance(item, list) or len(item) < len(COLUMNS):
            yield number, f"`{excerpt(item)}` is not a kline: klines are {_FORM}"
            continue
        cells = [cell for cell in item[: len(COLUMNS)] if isinstance(cell, str)]
        yield number, cells if len(cells) == len(COLUMNS) else f"`{excerpt(item)}` holds what is no number"
