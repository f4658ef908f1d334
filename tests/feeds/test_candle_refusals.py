"""Bad candle files: every bad row named with line, column and reason, and nothing half-read."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import pytest

from papertrade.engine.instants import parse_time, to_iso
from papertrade.engine.market import HOUR_MS, MINUTE_MS
from papertrade.errors import InputFileError
from papertrade.feeds import candle_columns, candle_csv, candle_rows, file_bytes
from papertrade.feeds.candle_files import read_candles

T0 = parse_time("2024-01-01T00:00:00Z")
HEADER = "time,open,high,low,close,volume\n"
FIRST = f"{T0},100,101,99,100,3\n"
NEXT = "2024-01-01T00:01:00Z"
BEGINS = "a candle file begins with `time,open,high,low,close,volume`"
KLINES = 'klines are `[[open time, "open", "high", "low", "close", "volume", …], …]`'
UTF_8 = "save it as UTF-8, in a spreadsheet as `CSV UTF-8`"
NO_TIME = "not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds"
ONE = "1 bad row in bad.csv, nothing was read\nbad.csv line"


def refusal(
    folder: Path, content: str | bytes, name: str = "bad.csv", interval_ms: int | None = MINUTE_MS
) -> InputFileError:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputFileError) as caught:
        read_candles(path, "BTCUSDT", interval_ms=interval_ms)
    assert caught.value.exit_code == 4
    return caught.value


BAD_ROWS = [
    (f"{NEXT},abc,101,99,100,3", "open: `abc` is not a number"),
    (f'{NEXT},"1,000",101,99,100,3', "open: `1,000` is not a number"),
    (f"{NEXT},1_0,101,99,100,3", "open: `1_0` is not a number"),
    (f"{NEXT},٣,101,99,100,3", "open: `٣` is not a number"),
    (f"{NEXT},100,.,99,100,3", "high: `.` is not a number"),
    (f"{NEXT},100,{'1' * 65},99,100,3", f"high: `'{'1' * 27}...{'1' * 28}'` is not a number"),
    (f"{NEXT},100,101,99,nan,3", "close: `nan` is not a number"),
    (f"{NEXT},100,inf,99,100,3", "high: `inf` is not a number"),
    (f"{NEXT},100,101,99,100,", "volume: is empty"),
    (f"{NEXT},100,101,99,100,\x1b[2J", r"volume: `\x1b[2J` is not a number"),
    (f"{NEXT},100,101,-99,100,3", "low: `-99` is not a price: it must be above 0"),
    (f"{NEXT},100,101,0.0,100,3", "low: `0` is not a price: it must be above 0"),
    (f"{NEXT},100,101,99,100,-0.50", "volume: `-0.5` is below 0"),
    (f"{NEXT},100,98,99,100,3", "high: `98` is below low `99`"),
    (f"{NEXT},101.5,101,99,100,3", "open: `101.5` is above high `101`"),
    (f"{NEXT},98,101,99,100,3", "open: `98` is below low `99`"),
    (f"{NEXT},100,101,99,102,3", "close: `102` is above high `101`"),
    (f"{NEXT},100,101,99,1e1,3", "close: `10` is below low `99`"),
    (f"{NEXT},100,1234567890123456789,99,100,3", "high: `1234567890123456789` needs more than 18 digits"),
    (f"{NEXT},100,1e18,99,100,3", "high: `1e18` needs more than 18 digits"),
    (f"{NEXT},100,101,1e-41,100,3", "low: `1e-41` needs more than 18 digits"),
    (f"{NEXT},100,101,1.000000000000000001,100,3", "low: `1.000000000000000001` needs more than 18 digits"),
    (f"{NEXT},100,101,1e-17,100,3", "has prices that need more than 18 digits together"),
    (f"{NEXT},100,101,99,100", "has 5 fields, the header has 6"),
    (f"{NEXT},100,101,99,100,3,4", "has 7 fields, the header has 6"),
    ("end", "has 1 field, the header has 6"),
    (f'{NEXT},100,101,99,100,"3', "is not CSV: unexpected end of data"),
    (f"{NEXT},100,101,99,100,\0", "holds a NUL character: the file is not text"),
    (f"{NEXT},100,101,99,100,3,{'x' * 70_000}\n", "is longer than 65536 characters"),
    (f"{NEXT},100,101,99,100,3,{'x' * 70_000}", "is longer than 65536 characters"),
    (
        "yesterday,100,101,99,100,3",
        f"time: `yesterday` is {NO_TIME}",
    ),
    (
        "2024-01-01 00:01:00,100,101,99,100,3",
        "time: `2024-01-01 00:01:00` has no zone: write `2024-01-01 00:01:00Z` for UTC or `2024-01-01 00:01:00+01:00`",
    ),
    (
        "1704067260,100,101,99,100,3",
        "time: `1704067260` looks like epoch seconds: times are epoch milliseconds, `1704067260000`",
    ),
    (
        "1704067260000000,100,101,99,100,3",
        "time: `1704067260000000` looks like microseconds or less: times are epoch milliseconds",
    ),
    (f"{T0},100,101,99,100,3", f"time: `{T0}` stands there twice"),
    ("2023-12-31T23:59Z,100,101,99,100,3", f"time: `2023-12-31T23:59Z` is before the row above it, `{to_iso(T0)}`"),
    (
        "2024-01-01T00:00:59Z,100,101,99,100,3",
        "time: `2024-01-01T00:00:59.000Z` is less than 60 s after the row before it",
    ),
    ("2024-01-01T00:01:00Z,1,1,0,1,3", "low: `0` is not a price: it must be above 0"),
    ("2024-01-01T00:01:01Z,100,101,99,100,3", "time: `2024-01-01T00:01:01.000Z` is not on the grid of 60 s"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_named(tmp_path: Path, row: str, reason: str) -> None:
    error = refusal(tmp_path, HEADER + FIRST + "\n" + row)
    comma = ", " if reason.split(":", maxsplit=1)[0] in ("time", *HEADER.strip().split(",")) else " "
    assert error.message == f"1 bad row in bad.csv, nothing was read\nbad.csv line 4{comma}{reason}"


def test_all_bad_rows_are_named_and_all_that_is_wrong_with_them(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEADER + f"x,y,101,99,100,z\n{FIRST}{NEXT},0,0,0,0,1\n")
    assert error.message.splitlines() == [
        "2 bad rows in bad.csv, nothing was read",
        "bad.csv line 2, time: `x` is not a time: write `2026-11-20T10:00:00Z` or epoch milliseconds",
        "bad.csv line 2, open: `y` is not a number",
        "bad.csv line 2, volume: `z` is not a number",
        "bad.csv line 4, open: `0` is not a price: it must be above 0",
        "bad.csv line 4, high: `0` is not a price: it must be above 0",
        "bad.csv line 4, low: `0` is not a price: it must be above 0",
        "bad.csv line 4, close: `0` is not a price: it must be above 0",
    ]
    assert error.details["rows"] == [
        {"line": line, "column": column, "message": message.partition(": ")[2]}
        for line, column, message in (
            (int(text.split()[2][:-1]), text.split()[3][:-1], text) for text in error.message.splitlines()[1:]
        )
    ]


def test_of_very_many_bad_rows_two_hundred_are_shown(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEADER + "x\n" * 250)
    assert error.message.splitlines()[0] == "250 bad rows in bad.csv, nothing was read"
    assert error.message.endswith("line 201 has 1 field, the header has 6\nand 50 more")


def test_a_file_of_nonsense_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_rows, "_FLAWS_MAX", 10)
    assert refusal(tmp_path, HEADER + "x\n" * 250).message.startswith("10 bad rows in bad.csv, reading stopped there\n")


def test_the_newest_row_first_is_an_order_that_is_named(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEADER + FIRST.replace(str(T0), NEXT) + FIRST)
    assert error.hint == "sort the rows by time, the oldest first"


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("", "`bad.csv` is empty", BEGINS),
        (" \n\r\n", "`bad.csv` is empty", BEGINS),
        (HEADER, "`bad.csv` has no candles", None),
        (
            FIRST,
            "bad.csv line 1: the header is missing",
            "put `time,open,high,low,close,volume` before the first row, and the names of further columns after it",
        ),
        (
            "5,1,2,1,2,0\n",
            "bad.csv line 1: the header is missing",
            "put `time,open,high,low,close,volume` before the first row, and the names of further columns after it",
        ),
        (
            "\ntime,open,high,low,close,vol\n",
            "1 bad row in bad.csv, nothing was read\n"
            "bad.csv line 2, header: the column `volume` is missing: is it `vol`?",
            BEGINS,
        ),
        (
            "Unix,Open,Open,Low,Close,Volume\n",
            "1 bad row in bad.csv, nothing was read\n"
            "bad.csv line 1, header: the column `time` is missing\n"
            "bad.csv line 1, header: the column `high` is missing\n"
            "bad.csv line 1, header: the column `open` stands there twice",
            BEGINS,
        ),
        (
            HEADER.replace(",", ";"),
            "1 bad row in bad.csv, nothing was read\n"
            "bad.csv line 1, header: columns are separated by commas, not by semicolons",
            BEGINS,
        ),
        (
            HEADER.replace(",", "\t"),
            f"{ONE} 1, header: columns are separated by commas, not by tabs",
            BEGINS,
        ),
        (
            "<html>\n",
            f"{ONE} 1, header: `<html>` is not the header of a candle file",
            BEGINS,
        ),
        (
            'time,"open\n',
            "1 bad row in bad.csv, nothing was read\nbad.csv line 1, header: is not CSV: unexpected end of data",
            BEGINS,
        ),
        (
            HEADER.encode() + FIRST.encode() * 2 + b"\xff\n",
            "bad.csv line 4: is not UTF-8 text",
            UTF_8,
        ),
        (
            HEADER.encode("utf-16"),
            "bad.csv line 1: is not UTF-8 text",
            UTF_8,
        ),
        (b"PK\x03\x04", "`bad.csv` is a zip archive", "unpack it, or pack it with gzip"),
        (
            HEADER + FIRST + "x" * 3_000_000,
            "1 bad row in bad.csv, nothing was read\nbad.csv line 3 is longer than 65536 characters",
            None,
        ),
        (
            HEADER + FIRST + f"{NEXT},0.098943405,0.1,0.09,0.09894340634346008,1\n",
            "`bad.csv` has prices up to `101` and prices of 17 decimals: at most 18 digits together are kept exactly",
            "round the prices in the file to 15 decimals",
        ),
        (
            "{}",
            "`bad.csv` is not a list of klines",
            KLINES,
        ),
        (
            "[" * 100_000,
            "`bad.csv` is not a list of klines",
            KLINES,
        ),
        ("[1,\n2", "bad.csv line 2: is not JSON: expecting ',' delimiter", None),
        (b'["\xff"]', "`bad.csv` is not UTF-8 text", None),
        ("[]", "`bad.csv` has no candles", None),
        (
            f'[1, [{T0},"1","1","1"], [{T0},"1",null,"1","1","1"], [{T0},"1","1","1","x",NaN]]',
            "4 bad rows in bad.csv, nothing was read\n"
            f"bad.csv item 1 `1` is not a kline: {KLINES}\n"
            f"bad.csv item 2 `['{T0}', '1', '1', '1']` is not a kline: "
            f"{KLINES}\n"
            f"bad.csv item 3 `['{T0}', '1', None, '1', '1', '1']` holds what is no number\n"
            "bad.csv item 4, close: `x` is not a number\n"
            "bad.csv item 4, volume: `NaN` is not a number",
            None,
        ),
    ],
)
def test_files_that_are_no_candle_file(tmp_path: Path, content: str | bytes, message: str, hint: str | None) -> None:
    error = refusal(tmp_path, content)
    assert (error.message, error.hint) == (message, hint)


def test_prices_of_far_apart_chunks_must_fit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_csv, "CHUNK", 40)
    last = f"{NEXT},0.0989434063434600,0.1,0.09,0.09894340634346008,1\n"
    error = refusal(tmp_path, HEADER + FIRST + last)
    assert error.message.startswith("`bad.csv` has prices up to `101` and prices of 17 decimals")


def test_one_candle_does_not_tell_its_interval(tmp_path: Path) -> None:
    error = refusal(tmp_path, HEADER + FIRST, interval_ms=None)
    assert error.message == "`bad.csv` has one candle, which does not tell its interval"
    assert error.hint == "name it: --interval 1m"


def test_closing_times_are_not_taken_for_opening_times(tmp_path: Path) -> None:
    rows = "".join(f"{T0 + 59_999 + minute * MINUTE_MS},1,1,1,1,0\n" for minute in range(3))
    error = refusal(tmp_path, HEADER + rows, interval_ms=None)
    assert error.message == "`bad.csv` has candles that all open 59.999 s off the grid of 60 s"
    assert error.hint == "`time` is the open of a candle, not its close"


def test_a_row_off_the_grid_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{T0 + minute * MINUTE_MS},1,1,1,1,0\n" for minute in (30, 91, 210))
    error = refusal(tmp_path, HEADER + rows, interval_ms=HOUR_MS)
    assert error.message.splitlines()[1:] == [
        "bad.csv line 3, time: `2024-01-01T01:31:00.000Z` is not on the grid of 3600 s"
    ]
    assert error.hint == "name the interval if it is another: --interval 1m"


def packed(content: bytes = (HEADER + FIRST).encode() * 100) -> bytes:
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed()[:-9], "compressed file ended before the end-of-stream marker was reached"),
        (packed()[:5], "compressed file ended before the end-of-stream marker was reached"),
        (packed()[:-8] + bytes(8), "crc check failed"),
        (packed()[:12] + b"\xff" * 30, "error -3 while decompressing data"),
        (packed() + b"more", "not a gzipped file"),
    ],
)
def test_a_broken_gzip_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    assert refusal(tmp_path, content, "bad.csv.gz").message.startswith(f"`bad.csv.gz` cannot be read: {reason}")


def test_a_gzip_that_breaks_late_is_refused(tmp_path: Path) -> None:
    noise = zlib.compress(os.urandom(300_000), 0)
    content = packed(noise)
    error = refusal(tmp_path, content[:200_000], "bad.csv.gz")
    assert "bad.csv.gz" in error.message


def test_what_a_gzip_unpacks_to_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        "line 3 is longer than 65536 characters"
        in refusal(tmp_path, packed((HEADER + FIRST).encode() + b" " * 10**7)).message
    )
    monkeypatch.setattr(file_bytes, "BYTES_MAX", 2**20)
    error = refusal(tmp_path, packed(HEADER.encode() + b"\n" * 2**21))
    assert (error.message, error.hint) == ("`bad.csv` holds more than 1 MiB", "split it")
    full = HEADER.encode() + b"\n" * (2**20 - len(HEADER))
    assert "has no candles" in refusal(tmp_path, packed(full)).message


def test_f41_rows_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_columns, "ROWS_MAX", 2)
    rows = "".join(f"{T0 + minute * MINUTE_MS},1,1,1,1,0\n" for minute in range(3))
    error = refusal(tmp_path, HEADER + rows)
    assert error.message == "`bad.csv` has more than 2 rows"
    monkeypatch.setattr(candle_columns, "ROWS_MAX", 3)
    (tmp_path / "good.csv").write_text(HEADER + rows)
    assert len(read_candles(tmp_path / "good.csv", "X")) == 3
    assert error.hint == "split it, or take candles of a longer interval"


def failure(path: Path) -> str:
    with pytest.raises(InputFileError) as caught:
        read_candles(path, "X")
    return caught.value.message


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert failure(tmp_path) == f"`{tmp_path}` is not a file"
    assert (
        failure(tmp_path / "none\n.csv") == f"`{tmp_path}/none\\u{{a}}.csv` cannot be read: no such file or directory"
    )
    assert failure(tmp_path / "a\0b") == f"`{tmp_path}/a\\u{{0}}b` cannot be read: not a path"
    os.mkfifo(tmp_path / "pipe")
    assert failure(tmp_path / "pipe") == f"`{tmp_path}/pipe` is not a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER)
    path.chmod(0)
    assert failure(path) == f"`{path}` cannot be read: permission denied"


def test_a_disk_that_fails_is_told(tmp_path: Path) -> None:
    assert failure(Path("/proc/self/mem")).startswith("`/proc/self/mem` cannot be read")
    del tmp_path


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "growing.csv"
    path.write_text(HEADER)
    with pytest.raises(InputFileError, match="was changed while it was read"), file_bytes.opened_file(path):
        path.write_text(HEADER + FIRST)
