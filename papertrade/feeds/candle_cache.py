"""Candles that were read before, kept as arrays: found by the hash of the file they came from, never by its name.

A cache may vanish, be full, be shared by processes or be damaged; whatever happens, the file is read instead. The
rule to keep: nothing comes out whose checksum and shape are not right. Whose cache folder it is says the caller.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from papertrade.engine.values import dataclass
from papertrade.feeds.candle_series import CandleSeries, IntColumn, Source

BYTES_MAX: Final = 2 * 2**30
"""What the folder may hold; beyond it the entries that were not used for longest go."""

# Goes up whenever a file could be read differently than before, or an entry is written differently.
_VERSION: Final = 1
_HEAD: Final = struct.Struct("<8sqqqqqq")  # magic, rows, first, interval, decimals, decimals of volume, flags
_MAGIC: Final = b"PTCANDLE"
_SUM_BYTES: Final = 32
_SUFFIX: Final = ".candles"
_PARTIAL: Final = ".partial"
_INT32_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class CandleCache:
    """The entries of one folder, which is made when needed."""

    folder: Path
    bytes_max: int = BYTES_MAX

    def load(self, symbol: str, source: Source, interval_ms: int | None) -> CandleSeries | None:
        """Return what the file of this hash held when read with this interval option; None if that is not known."""
        path = self._path(source, interval_ms)
        try:
            entry = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        try:
            return _unpacked(entry, symbol, source)
        except (ValueError, struct.error):
            with suppress(OSError):
                path.unlink()
            return None

    def save(self, series: CandleSeries, source: Source, interval_ms: int | None) -> None:
        """Keep a series, if the folder can be written; entries beyond the folder's bound go, the oldest first."""
        if _HEAD.size + 6 * 8 * len(series) > self.bytes_max:
            return
        partial: Path | None = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self.folder, suffix=_PARTIAL)  # mode 0600
            partial = Path(name)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(_packed(series))
            partial.replace(self._path(source, interval_ms))
            self._evict()
        except OSError:
            if partial is not None:
                partial.unlink(missing_ok=True)

    def _path(self, source: Source, interval_ms: int | None) -> Path:
        interval = "auto" if interval_ms is None else str(interval_ms)
        return self.folder / f"{source.sha256}-{interval}-{_VERSION}{_SUFFIX}"

    def _evict(self) -> None:
        """Delete the entries used longest ago until the rest fits; unfinished ones of dead processes are among them."""
        found: list[tuple[int, int, Path]] = []
        for path in self.folder.iterdir():
            if path.suffix in (_SUFFIX, _PARTIAL):
                with suppress(OSError):  # another process may have deleted it
                    state = path.stat()
                    found.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total > self.bytes_max:
                path.unlink(missing_ok=True)
                total -= size


def _packed(series: CandleSeries) -> Iterator[bytes]:
    """Yield the entry's parts: head, columns, and the SHA-256 of both."""
    digest = hashlib.sha256()
    for part in _body(series):
        digest.update(part)
        yield part
    yield digest.digest()


def _body(series: CandleSeries) -> Iterator[bytes]:
    """Yield head and columns; times are counted in intervals where they can be, and narrow columns take half."""
    steps = series.open_ms - series.first_ms
    is_even = not (steps % series.interval_ms).any()
    if is_even:
        steps //= series.interval_ms
    columns = (steps, series.open, series.high, series.low, series.close, series.volume)
    flags = [int(column.max()) <= _INT32_MAX for column in columns]
    yield _HEAD.pack(
        _MAGIC,
        len(series),
        series.first_ms,
        series.interval_ms,
        series.decimals,
        series.volume_decimals,
        sum(flag << place for place, flag in enumerate([*flags, is_even])),
    )
    for column, is_narrow in zip(columns, flags, strict=True):
        yield column.astype("<i4" if is_narrow else "<i8").tobytes()


def _unpacked(entry: bytes, symbol: str, source: Source) -> CandleSeries:
    """Return the series of an entry. Raises ValueError or struct.error for a damaged one."""
    body = memoryview(entry)[:-_SUM_BYTES]
    if hashlib.sha256(body).digest() != entry[-_SUM_BYTES:]:
        raise ValueError("the checksum is wrong")
    magic, rows, first_ms, interval_ms, decimals, volume_decimals, flags = _HEAD.unpack_from(body)
    if magic != _MAGIC:
        raise ValueError("this is no entry")
    at = _HEAD.size
    columns: list[IntColumn] = []
    for place in range(6):
        kind = np.dtype("<i4" if flags >> place & 1 else "<i8")
        columns.append(np.frombuffer(body, kind, rows, at).astype(np.int64))
        at += rows * kind.itemsize
    steps, opened, high, low, close, volume = columns
    return CandleSeries(
        symbol=symbol,
        interval_ms=interval_ms,
        decimals=decimals,
        open_ms=first_ms + steps * (interval_ms if flags >> 6 & 1 else 1),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        volume_decimals=volume_decimals,
        source=source,
    )
