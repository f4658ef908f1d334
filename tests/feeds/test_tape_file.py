"""Tape files: read as a whole, or refused with every bad row and its line."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.errors import InputFileError
from papertrade.feeds.tape_file import COLUMNS, read_tape

HEADER = "symbol,time,open,high,low,close,volume\n"
START_MS = 1_704_067_200_000
ROW = "AB,1704067260000,100,101,99,100.5,3\n"


def written(folder: Path, content: str | bytes, name: str = "tape.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path) -> InputFileError:
    with pytest.raises(InputFileError) as caught:
        read_tape(path, MINUTE_MS)
    return caught.value


def test_symbols_alternate_and_times_are_iso_or_milliseconds(tmp_path: Path) -> None:
    later = "ab/c,2024-01-01T00:02:00Z,1,2,0.5,1.5,0\nAB,2024-01-01T00:02Z,100,101,99,100,0\n"
    tape = read_tape(written(tmp_path, HEADER + ROW + later + "ABC,2024-01-01T00:04:00.000Z,1,1,1,1,0\n"), MINUTE_MS)
    assert [(found.open_ms, found.close) for found in tape["AB"]] == [
        (START_MS + 60_000, Decimal("100.5")),
        (START_MS + 120_000, Decimal(100)),
    ]
    assert tape["ABC"][0] == Candle(
        open_ms=START_MS + 120_000,
        interval_ms=MINUTE_MS,
        open=Decimal(1),
        high=Decimal(2),
        low=Decimal("0.5"),
        close=Decimal("1.5"),
    )
    assert tape["ABC"][1].open_ms == START_MS + 240_000


def test_gzip_byte_order_mark_and_blank_lines_are_fine(tmp_path: Path) -> None:
    text = "\ufeff" + HEADER + "\n" + ROW.replace("\n", "\r\n") + "\n"
    path = written(tmp_path, gzip.compress(text.encode()), "tape.csv.gz")
    assert list(read_tape(path, MINUTE_MS)) == ["AB"]


def test_a_header_that_never_ends_is_line_1(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, '"symbol\n' + ROW)).message == "tape.csv line 1, unexpected end of data"


def test_all_bad_rows_are_named_with_their_lines(tmp_path: Path) -> None:
    bad = [
        "AB,1704067260000,100,101,99,100.5",
        "A B,60000,100,101,99,100.5,3",
        "AB,1704067260001,100,101,99,100.5,3",
        "AB,yesterday,100,101,99,100.5,3",
        "AB,2018-12-08T22:40:00,100,101,99,100.5,3",
        "AB,2018-13-08T22:40:00Z,100,101,99,100.5,3",
        "AB,999999999999999,100,101,99,100.5,3",
        "AB,1704067320000,NaN,101,99,100.5,3",
        "AB,1704067320000,100,99,99,100.5,3",
        "AB,1704067320000,100,101,0,100.5,3",
        "AB,1704067320000,100,101,99,100.5,-3",
        "AB,1704067260000,100,101,99,100.5,3",
        '"A\nB",1704067260000,100,101,99,100.5,3',
        "AB,1704067320000,100,101,99,100.5,\x1b[2J",
    ]
    error = refusal(written(tmp_path, HEADER + ROW + "\n".join(bad) + "\n"))
    assert error.message.split("\n") == [
        "tape.csv line 3, 6 fields instead of 7",
        "tape.csv line 4, symbol: 'A B' is not a symbol",
        "tape.csv line 5, time: `1704067260001` is not on the grid of 60 s",
        "tape.csv line 6, time: `yesterday` is not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds",
        "tape.csv line 7, time: `2018-12-08T22:40:00` has no zone: "
        "write `2018-12-08T22:40:00Z` for UTC or `2018-12-08T22:40:00+01:00`",
        "tape.csv line 8, time: `2018-13-08T22:40:00Z` is not a time: write `2026-11-20T10:00:00Z` "
        "or epoch milliseconds",
        "tape.csv line 9, time: `999999999999999` must lie between the years 1970 and 9999",
        "tape.csv line 10, open: `NaN` is not a plain decimal number",
        "tape.csv line 11, candle at 1704067320000: "
        "open `100` and close `100.5` must lie between low `99` and high `99`",
        "tape.csv line 12, `0` is not a price: it must be above 0",
        "tape.csv line 13, candle at 1704067320000: volume `-3` must be 0 or more",
        "tape.csv line 14, time: `1704067260000` is not after the row of `AB` before it",
        "tape.csv line 15, symbol: 'A\\nB' is not a symbol",
        r"tape.csv line 17, volume: `\x1b[2J` is not a plain decimal number",
    ]
    assert error.details == {"bad_rows": 14}


def test_very_many_bad_rows_are_counted(tmp_path: Path) -> None:
    error = refusal(written(tmp_path, HEADER + "x\n" * 250))
    assert error.message.endswith("\ntape.csv line 201, 1 fields instead of 7\nand 50 more")
    one_more = refusal(written(tmp_path, HEADER + "x\n" * 201)).message
    assert one_more.endswith("\ntape.csv line 201, 1 fields instead of 7\nand 1 more")
    just_all = refusal(written(tmp_path, HEADER + "x\n" * 200)).message
    assert just_all.endswith("\ntape.csv line 201, 1 fields instead of 7")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "tape.csv line 1, header: `` is not `symbol,time,open,high,low,close,volume`"),
        ("time,open\n", "tape.csv line 1, header: `time,open` is not"),
        (HEADER, "tape.csv has no rows"),
        (HEADER + 'AB,"60000', "tape.csv line 2, unexpected end of data"),
        (HEADER + ROW + 'AB,"1"2,1,1,1,1,1\n', "tape.csv line 3, "),
        (HEADER + "A" * 200_000 + "\n", "tape.csv line 2, field larger than field limit"),
        (HEADER.encode() + b"\xff\n", "tape.csv is not UTF-8: byte 39"),
        (HEADER + "A\0B\n", "tape.csv holds a NUL character"),
    ],
)
def test_files_that_are_no_tape(tmp_path: Path, content: str | bytes, words: str) -> None:
    assert refusal(written(tmp_path, content)).message.startswith(words)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv").message.endswith("none.csv` cannot be read: no such file or directory")
    assert refusal(tmp_path).message.endswith("is not a file")
    packed = gzip.compress((HEADER + ROW).encode())
    assert "line 1, header: `no gzip` is not" in refusal(written(tmp_path, b"no gzip", "a.csv.gz")).message
    assert "cannot be read" in refusal(written(tmp_path, packed[:-9], "b.csv.gz")).message
    assert "cannot be read" in refusal(written(tmp_path, packed[:12] + b"\xff" * 30, "c.csv.gz")).message
    large = written(tmp_path, gzip.compress(b" " * (64 * 1024 * 1024 + 1)), "d.csv.gz")
    assert refusal(large).message == "`d.csv.gz` holds more than 64 MiB"


def test_the_header_is_the_documented_one() -> None:
    assert ",".join(COLUMNS) + "\n" == HEADER
