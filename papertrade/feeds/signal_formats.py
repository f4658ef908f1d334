"""From the bytes of a signal file to records of texts: CSV, JSON, NDJSON and YAML, told apart by name or content.

Nothing here knows what a column means; `signal_rows.py` does. The rule to keep: a value is the text that
stands in the file, a number among them, and one bad record never hides the others.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import PurePath
from typing import Final, TypeAlias, assert_never

from papertrade.engine.money import CONTEXT, plain
from papertrade.engine.values import dataclass
from papertrade.feeds.bad_rows import Flaw, Place
from papertrade.formula_cells import restored
from papertrade.text_nodes import Items, Node, Pairs, Text

_YAML_MAX: Final = 4 * 1024 * 1024
_SUFFIXES: Final = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".yaml": "yaml"}
_EXPONENT = re.compile(r"(-?[0-9]{1,20}(?:\.[0-9]{1,40})?)[eE]([+-]?[0-9]{1,2})", re.ASCII)


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    YAML = "yaml"


@dataclass(frozen=True, slots=True)
class Record:
    """One signal as texts by column; several texts are the items of a list."""

    place: Place
    cells: tuple[tuple[str, str | tuple[str, ...]], ...]


Found: TypeAlias = Record | Flaw
_Columns: TypeAlias = "frozenset[str]"


class _Number(str):
    """A JSON number as it stands in the file."""

    __slots__ = ()


class _Object(tuple[tuple[str, object], ...]):
    """A JSON object with its keys in order, double ones too."""

    __slots__ = ()


def format_of(name: str, text: str, columns: _Columns) -> Format:
    """Tell the format by the name's ending, or by content: `columns` are those of a CSV header."""
    suffix = PurePath(name).suffix.lower()
    if suffix == ".yml":
        return Format.YAML
    if suffix in _SUFFIXES:
        return Format(_SUFFIXES[suffix])
    start = text.lstrip()
    if start.startswith("["):
        return Format.JSON
    if start.startswith("{"):
        first_line = start.partition("\n")[0]
        return Format.NDJSON if first_line.rstrip().endswith("}") and _is_json(first_line) else Format.JSON
    header = {cell.strip().lower() for cell in start.partition("\n")[0].split(",")}
    if header & columns or not (start.startswith(("-", "#")) or ":" in start):
        return Format.CSV
    return Format.YAML


def read_records(text: str, form: Format) -> Iterator[Found]:
    """Yield the records in the order of the file, and the flaws where they are."""
    match form:
        case Format.CSV:
            return _csv_records(text)
        case Format.JSON:
            return _json_records(text)
        case Format.NDJSON:
            return _ndjson_records(text)
        case Format.YAML:
            return _yaml_records(text)
        case _:
            assert_never(form)


def _csv_records(text: str) -> Iterator[Found]:
    """Read the header and the rows; the place of a record is the line on which it starts."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: tuple[str, ...] | None = None
    line = 1
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield Flaw(Place("line", line), None, f"is not CSV: {error}")
            return
        if row is None:
            return
        place, line = Place("line", line), rows.line_num + 1
        if not any(cell.strip() for cell in row):
            continue
        if header is None:
            header = tuple(cell.strip().lower() for cell in row)
            yield Record(place, tuple((name, "") for name in header))
        elif len(row) != len(header):
            yield Flaw(place, None, f"has {_cells(len(row))}, the header has {len(header)}")
        else:
            yield Record(place, tuple(zip(header, map(restored, row), strict=True)))


def _json_records(text: str) -> Iterator[Found]:
    try:
        whole = _loads(text)
    except json.JSONDecodeError as error:
        advice = "; one object a line is `.ndjson`" if error.msg == "Extra data" else ""
        yield Flaw(Place("line", error.lineno), None, f"is not JSON: {error.msg.lower()}{advice}")
        return
    except RecursionError:
        yield Flaw(Place("line", 1), None, "is not a list of signals: nested too deeply")
        return
    items: Sequence[object]
    if isinstance(whole, list):
        items = whole
    elif isinstance(whole, _Object):
        inside = [value for key, value in whole if key == "signals"]
        items = inside[0] if len(whole) == 1 and inside and isinstance(inside[0], list) else [whole]
    else:
        yield Flaw(Place("line", 1), None, "is not a list of signals, nor one signal")
        return
    for number, item in enumerate(items, 1):
        yield _from_json(Place("item", number), item)


def _ndjson_records(text: str) -> Iterator[Found]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() == "":
            continue
        place = Place("line", number)
        try:
            yield _from_json(place, _loads(line))
        except json.JSONDecodeError as error:
            yield Flaw(place, None, f"is not JSON: {error.msg.lower()} at column {error.colno}")
        except RecursionError:
            yield Flaw(place, None, "is not a signal: nested too deeply")


def _yaml_records(text: str) -> Iterator[Found]:
    from papertrade import strict_yaml

    try:
        root = strict_yaml.parse(text, _YAML_MAX)
    except strict_yaml.YamlProblem as problem:
        yield Flaw(Place("line", problem.line), None, f"is not YAML that is read here: {problem.message}")
        return
    if isinstance(root, Pairs) and len(root.pairs) == 1 and isinstance(inside := root.get("signals"), Items):
        root = inside
    if root is None:
        return
    for item in root.items if isinstance(root, Items) else (root,):
        place = Place("line", item.span.line)
        if isinstance(item, Pairs):
            yield _gathered(place, ((key.text, _from_yaml(value)) for key, value in item.pairs))
        else:
            yield Flaw(place, None, "is not a signal: write `symbol: …` and `side: …`")


def _from_json(place: Place, item: object) -> Found:
    if not isinstance(item, _Object):
        return Flaw(place, None, 'is not a signal: write `{"symbol": …, "side": …}`')
    return _gathered(place, ((key, _json_value(value)) for key, value in item))


def _gathered(place: Place, pairs: Iterable[tuple[str, str | tuple[str, ...] | None]]) -> Found:
    cells: dict[str, str | tuple[str, ...]] = {}
    for key, value in pairs:
        column = key.strip().lower()
        if column in cells:
            return Flaw(place, column, "stands there twice")
        if value is None:
            return Flaw(place, column, "must be a text, a number, or a list of these")
        cells[column] = value
    return Record(place, tuple(cells.items()))


def _json_value(value: object) -> str | tuple[str, ...] | None:
    """Return the text or texts of a JSON value, `""` for null, None for what no column can hold."""
    if value is None:
        return ""
    if isinstance(value, _Number):
        return _without_exponent(value)
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    texts = [_json_value(item) for item in value]
    return tuple(text for text in texts if isinstance(text, str)) if all(isinstance(t, str) for t in texts) else None


def _from_yaml(node: Node) -> str | tuple[str, ...] | None:
    if isinstance(node, Text):
        return "" if node.is_empty else node.text
    if isinstance(node, Items) and all(isinstance(item, Text) for item in node.items):
        return tuple(item.text for item in node.items if isinstance(item, Text))
    return None


def _without_exponent(number: str) -> str:
    """Write `1.5e-5` as `0.000015`; what is out of every range stays, and is refused by its column."""
    match = _EXPONENT.fullmatch(number)
    return number if match is None else plain(CONTEXT.scaleb(Decimal(match[1]), int(match[2])))


def _loads(text: str) -> object:
    decoder = json.JSONDecoder(
        object_pairs_hook=_Object, parse_float=_Number, parse_int=_Number, parse_constant=_Number
    )
    return decoder.decode(text)


def _is_json(text: str) -> bool:
    try:
        _loads(text)
    except (json.JSONDecodeError, RecursionError):
        return False
    return True


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
