"""The cache of candles: never a wrong number, whatever became of its folder."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import stat
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrade.engine.market import MINUTE_MS, Candle
from papertrade.feeds import candle_cache
from papertrade.feeds.candle_cache import CandleCache
from papertrade.feeds.candle_files import read_candles
from papertrade.feeds.candle_series import CandleSeries, Source, series_of

T0 = 1_704_067_200_000
SOURCE = Source("btc.csv", hashlib.sha256(b"btc").hexdigest())
OTHER = Source("eth.csv", hashlib.sha256(b"eth").hexdigest())


def series(*prices: str, volume: str = "1.5", minutes: Sequence[int] = ()) -> CandleSeries:
    values = [Decimal(price) for price in prices]
    opens = minutes or range(len(values))
    return series_of(
        "BTCUSDT",
        MINUTE_MS,
        [
            Candle(
                open_ms=T0 + minute * MINUTE_MS,
                interval_ms=MINUTE_MS,
                open=value,
                high=value + 1,
                low=value / 2,
                close=value,
                volume=Decimal(volume),
            )
            for minute, value in zip(opens, values, strict=True)
        ],
        SOURCE,
    )


KINDS = {
    "narrow": series("100", "101.5"),
    "wide prices": series("123456789012", "1"),
    "wide volume": series("1", "2", volume="123456789012345678"),
    "holes": series("1", "2", "3", minutes=(0, 7, 100_000)),
    "one": series("1"),
}


def columns(found: CandleSeries) -> list[list[int]]:
    return [column.tolist() for column in (found.open_ms, found.open, found.high, found.low, found.close, found.volume)]


@pytest.mark.parametrize("kept", KINDS.values(), ids=list(KINDS))
def test_what_is_kept_comes_back(tmp_path: Path, kept: CandleSeries) -> None:
    cache = CandleCache(tmp_path / "a" / "b")
    assert cache.load("X", SOURCE, None) is None
    cache.save(kept, SOURCE, None)
    found = cache.load("X", SOURCE, None)
    assert found is not None
    assert columns(found) == columns(kept)
    assert (found.symbol, found.interval_ms, found.source) == ("X", MINUTE_MS, SOURCE)
    assert (found.decimals, found.volume_decimals) == (kept.decimals, kept.volume_decimals)
    assert found.open.dtype == np.dtype(np.int64)


def test_times_that_are_no_multiples_of_the_interval_come_back(tmp_path: Path) -> None:
    kept = series("1", "2")
    odd = CandleSeries(
        symbol="X",
        interval_ms=MINUTE_MS,
        decimals=0,
        open_ms=np.array([T0, T0 + 90_000], np.int64),
        open=kept.open,
        high=kept.high,
        low=kept.open,
        close=kept.close,
        volume=kept.volume,
    )
    cache = CandleCache(tmp_path)
    cache.save(odd, SOURCE, None)
    found = cache.load("X", SOURCE, None)
    assert found is not None
    assert columns(found) == columns(odd)


def test_other_bytes_and_other_intervals_are_other_entries(tmp_path: Path) -> None:
    cache = CandleCache(tmp_path)
    cache.save(series("1"), SOURCE, MINUTE_MS)
    assert cache.load("X", SOURCE, None) is None
    assert cache.load("X", OTHER, MINUTE_MS) is None
    assert cache.load("X", SOURCE, MINUTE_MS) is not None


def test_entries_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    CandleCache(folder).save(series("1"), SOURCE, None)
    (entry,) = folder.iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, entry)] == [0o700, 0o600]


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_entry_is_none(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("cache")
    cache = CandleCache(folder)
    cache.save(KINDS["narrow"], SOURCE, None)
    (entry,) = folder.iterdir()
    content = bytearray(entry.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    damaged = st.sampled_from([content[:at], content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]])
    entry.write_bytes(data.draw(damaged))
    assert cache.load("X", SOURCE, None) is None
    assert not entry.exists()


def test_an_entry_of_something_else_is_none(tmp_path: Path) -> None:
    cache = CandleCache(tmp_path)
    cache.save(KINDS["narrow"], SOURCE, None)
    (entry,) = tmp_path.iterdir()
    for body in (b"NOTMAGIC" + entry.read_bytes()[8:-32], b"PTCANDLE", entry.read_bytes()[:-40]):
        entry.write_bytes(body + hashlib.sha256(body).digest())
        assert cache.load("X", SOURCE, None) is None


def test_a_damaged_entry_is_read_from_the_file_again(tmp_path: Path) -> None:
    path = tmp_path / "btc.csv"
    path.write_text(f"time,open,high,low,close,volume\n{T0},1,2,0.5,1.5,3\n{T0 + MINUTE_MS},1,2,0.5,1.5,3\n")
    cache = tmp_path / "cache"
    expected = list(read_candles(path, "X", cache_folder=cache))
    (entry,) = cache.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(whole[:100])
    assert list(read_candles(path, "X", cache_folder=cache)) == expected
    assert entry.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    cache = CandleCache(blocked / "cache")
    cache.save(series("1"), SOURCE, None)
    assert cache.load("X", SOURCE, None) is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fdopen

    def full(descriptor: int, mode: str) -> object:
        os.close(descriptor)
        return real(os.open("/dev/full", os.O_WRONLY), mode)

    monkeypatch.setattr(os, "fdopen", full)
    CandleCache(tmp_path).save(series("1"), SOURCE, None)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_entry_that_cannot_be_deleted_is_none(tmp_path: Path) -> None:
    cache = CandleCache(tmp_path)
    cache.save(series("1"), SOURCE, None)
    (entry,) = tmp_path.iterdir()
    entry.unlink()
    entry.mkdir()
    assert cache.load("X", SOURCE, None) is None


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    roomy = CandleCache(tmp_path)
    sources = [Source(name, hashlib.sha256(name.encode()).hexdigest()) for name in "abc"]
    for age, source in enumerate(sources):
        roomy.save(series("1"), source, None)
        (entry,) = tmp_path.glob(f"{source.sha256}*")
        os.utime(entry, (1_000_000 + age, 1_000_000 + age))
    size = sum(path.stat().st_size for path in tmp_path.iterdir()) // 3
    (tmp_path / "dead.partial").write_bytes(bytes(size))
    os.utime(tmp_path / "dead.partial", (1, 1))
    (tmp_path / "notes.txt").write_bytes(bytes(10 * size))
    assert roomy.load("X", sources[0], None) is not None  # used just now
    tight = CandleCache(tmp_path, bytes_max=2 * size + 50)
    tight.save(series("2"), SOURCE, None)
    left = [source for source in (*sources, SOURCE) if roomy.load("X", source, None) is not None]
    assert left == [sources[0], SOURCE]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".candles", ".candles", ".txt"]


def test_what_is_larger_than_the_folder_may_be_is_not_kept(tmp_path: Path) -> None:
    CandleCache(tmp_path, bytes_max=100).save(series("1", "2"), SOURCE, None)
    assert list(tmp_path.iterdir()) == []
    head = candle_cache._HEAD.size
    CandleCache(tmp_path, bytes_max=head + 2 * 6 * 8 - 1).save(series("1", "2"), SOURCE, None)
    assert list(tmp_path.iterdir()) == []
    CandleCache(tmp_path, bytes_max=head + 2 * 6 * 8).save(series("1", "2"), SOURCE, None)
    assert len(list(tmp_path.iterdir())) == 1


def hammer(path: Path, cache: Path, failures: multiprocessing.Queue[str]) -> None:
    """Load the file over and over while others do so and the entry is deleted now and then."""
    expected = columns(read_candles(path, "X"))
    for turn in range(40):
        if columns(read_candles(path, "X", cache_folder=cache)) != expected:
            failures.put(f"turn {turn}")
        if turn % 5 == 0:
            for entry in cache.glob("*.candles"):
                entry.unlink(missing_ok=True)
    failures.put("done")


def test_processes_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "btc.csv"
    rows = "".join(f"{T0 + minute * MINUTE_MS},1,2,0.5,1.5,{minute}\n" for minute in range(500))
    path.write_text(f"time,open,high,low,close,volume\n{rows}")
    context = multiprocessing.get_context("spawn")
    said: multiprocessing.Queue[str] = context.Queue()
    writers = [context.Process(target=hammer, args=(path, tmp_path / "cache", said)) for _ in range(3)]
    for writer in writers:
        writer.start()
    words = [said.get(timeout=60) for _ in writers]
    for writer in writers:
        writer.join()
    assert words == ["done"] * 3
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] in ([], [".candles"])
