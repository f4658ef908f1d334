"""The candle files that people bring: CSV, kline JSON and Parquet, plain or gzip, told apart by what they hold.

Each format has a file of its own; here one is chosen, and the cache asked before. The rule to keep: a file is
read as a whole or refused with everything that is wrong with it.
"""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path

from papertrade.feeds.candle_cache import CandleCache
from papertrade.feeds.candle_columns import Parts
from papertrade.feeds.candle_csv import read_csv
from papertrade.feeds.candle_klines import read_klines
from papertrade.feeds.candle_parquet import MAGIC, read_parquet
from papertrade.feeds.candle_series import CandleSeries, Source
from papertrade.feeds.file_bytes import Content, hash_of, opened_file


def read_candles(
    path: Path, symbol: str, *, interval_ms: int | None = None, cache_folder: Path | None = None
) -> CandleSeries:
    """Read the candles of a symbol, exactly; `source` says the file as it was named and the hash of its bytes.

    Without an interval it is the shortest step between rows. With a cache folder, a file that was read before is
    not parsed again, whatever it is called now. Raises InputFileError.
    """
    if interval_ms is not None and interval_ms <= 0:
        raise ValueError(f"`{interval_ms}` is not an interval")
    with opened_file(path) as file:
        source = Source(str(path), hash_of(file))
        cache = None if cache_folder is None else CandleCache(cache_folder)
        known = None if cache is None else cache.load(symbol, source, interval_ms)
        if known is not None:
            return known
        series = _parts(file, path.name).series(symbol, interval_ms, source)
    if cache is not None:
        cache.save(series, source, interval_ms)
    return series


def _parts(file: BufferedReader, name: str) -> Parts:
    content = Content(file, name)
    start = content.start()
    if start.startswith(MAGIC):
        return read_parquet(file, content.name)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")):
        return read_klines(content)
    return read_csv(content)
