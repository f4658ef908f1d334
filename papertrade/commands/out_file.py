"""A file that a command writes for a person: whole or not at all, and never over another without being told to.

Written beside its place under a name that nobody else has, then moved there in one step, so that the old file
stays until the new one is complete. The rule to keep: nothing is written through a link, into a device or a
folder.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TextIO

from papertrade.errors import OutputUnwritable, Refused
from papertrade.render.text import safe

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def written(path: Path, *, is_forced: bool = False, mode: int = 0o666) -> Iterator[TextIO]:
    """Give a stream for a UTF-8 file that gets its name at the end of the block; an exception leaves no trace.

    `mode` is reduced by the umask. Raises Refused for a file that exists (unless forced), a folder or a
    device, OutputUnwritable if the file system refuses.
    """
    refuse_unless_free(path, is_forced=is_forced)
    partial = path.parent / f".papertrade-{secrets.token_hex(8)}.part"
    try:
        handle = os.open(partial, _FLAGS, mode)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise
    except OSError as error:
        raise unwritable(path, error) from error


def refuse_unless_free(path: Path, *, is_forced: bool) -> None:
    """Raise Refused unless a file may get this name; a link counts as a file of its own."""
    shown = safe(str(path))
    try:
        is_there = os.path.lexists(path)
        kind = path.stat().st_mode if path.exists() else None
    except OSError as error:
        raise unwritable(path, error) from error
    if kind is not None and not stat.S_ISREG(kind):
        what = "a folder" if stat.S_ISDIR(kind) else "a device, a pipe or a socket"
        raise Refused(f"`{shown}` is {what}, not a file", hint="name a file with -o", code="not_a_file")
    if is_there and not is_forced:
        raise Refused(f"`{shown}` already exists", hint="give another name, or --force", code="file_exists")


def unwritable(path: Path, error: OSError) -> OutputUnwritable:
    """Say that a file cannot be written, and why."""
    reason = (error.strerror or str(error)).lower()
    return OutputUnwritable(
        f"`{safe(str(path))}` cannot be written: {reason}",
        hint="look at the free space, the folder and its permissions",
        details={"path": safe(str(path)), "reason": reason},
    )
