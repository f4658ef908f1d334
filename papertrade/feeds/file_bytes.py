"""The bytes of a file that somebody brought: opened with care, hashed as they stand on the disk, unpacked if gzip.

Knows no format of rows. The rule to keep: what is read is bounded, also after unpacking, and every way a disk can
fail is an InputFileError that names the file.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from papertrade.errors import InputFileError
from papertrade.feeds.bad_rows import one_line

BYTES_MAX: Final = 2**32
"""The most that is read of one file, unpacked: 4 GiB."""

_BLOCK: Final = 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"


@contextmanager
def opened_file(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading, which nobody may change meanwhile.

    Raises InputFileError for everything that is none, cannot be read, or was changed before it is closed.
    """
    shown = one_line(str(path))
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputFileError(f"`{shown}` is not a file")
        file = path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputFileError(f"`{shown}` cannot be read: {reason.lower()}") from None
    with file:
        before = _state(file)
        yield file
        if _state(file) != before:
            raise InputFileError(f"`{shown}` was changed while it was read", hint="read it again")


def hash_of(file: BufferedReader) -> str:
    """Return the SHA-256 of a file in hex. Raises InputFileError if the disk fails."""
    try:
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputFileError(f"`{one_line(str(file.name))}` cannot be read: {error.strerror}") from None


class Content:
    """What a file holds, unpacked, from its start; `name` is how messages call it.

    Raises InputFileError for a broken gzip, for other archives, and for more than 4 GiB.
    """

    def __init__(self, file: BufferedReader, name: str) -> None:
        self.name = one_line(name)
        self._max = BYTES_MAX
        self._count = 0
        file.seek(0)
        start = file.peek(4)
        if start.startswith(_ZIP):
            raise InputFileError(f"`{self.name}` is a zip archive", hint="unpack it, or pack it with gzip")
        self._file = gzip.GzipFile(fileobj=file) if start.startswith(_GZIP) else file

    def start(self) -> bytes:
        """Return some of the first bytes, without reading them."""
        try:
            return self._file.peek(64)
        except (OSError, EOFError, zlib.error) as error:
            raise self._broken(error) from None

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end."""
        try:
            block = self._file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise self._broken(error) from None
        self._count += len(block)
        if self._count > self._max:
            raise InputFileError(f"`{self.name}` holds more than {self._max // 2**20} MiB", hint="split it")
        return block

    def read_all(self, most: int) -> bytes:
        """Return the rest, at most so many bytes."""
        self._max = min(self._max, self._count + most)
        return self.read(most + 1)

    def _broken(self, error: Exception) -> InputFileError:
        return InputFileError(f"`{self.name}` cannot be read: {one_line(str(error)).lower()}")


def _state(file: BufferedReader) -> tuple[int, int]:
    state = os.fstat(file.fileno())
    return state.st_size, state.st_mtime_ns
