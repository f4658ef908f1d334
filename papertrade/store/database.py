"""The file and the connection: what must be true before a single statement of ours runs.

Checks the place and the file, makes a new database whole or not at all, opens one connection with every
pragma set and read back. Nothing here knows a table. The rule to keep: what cannot be used is refused
without a byte of it changed.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from papertrade.store import failures
from papertrade.store.schema import APPLICATION_ID

BEGIN: Final = "papertrade_begin"
"""The execution option that says how the next transaction begins."""

DEFERRED: Final = "BEGIN"
IMMEDIATE: Final = "BEGIN IMMEDIATE"
BUSY_MS: Final = 5_000
MOUNTS: Final = Path("/proc/mounts")

_MAGIC: Final = b"SQLite format 3\0"
_NETWORK: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs")
) | {"fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "vboxsf", "fuse.vmhgfs-fuse", "davfs", "fuse.davfs2", "virtiofs"}
_PRAGMAS: Final[tuple[tuple[str, str, str | int], ...]] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    ("recursive_triggers", "ON", 1),
    ("busy_timeout", str(BUSY_MS), BUSY_MS),
    ("wal_autocheckpoint", "0", 0),
    ("trusted_schema", "OFF", 0),
    ("cache_size", "-32768", -32768),  # KiB: a tick's index pages of 100,000 live trades stay in memory
)

Fill: TypeAlias = Callable[[Connection], None]


def check_place(path: Path, mounts: Path = MOUNTS) -> None:
    """Refuse a folder, a device or a pipe, and a network file system: SQLite's WAL needs all processes on one host."""
    with failures.on_disk(path):
        is_folder, is_other, place = path.is_dir(), path.exists() and not path.is_file(), path.resolve()
    if is_folder:
        raise failures.unusable(path, "it is a folder", "give a file with --db")
    if is_other:  # the open of a pipe would wait for ever
        raise failures.unusable(path, "it is a device, a pipe or a socket", "give a file with --db")
    kind = file_system(place, mounts)
    if kind in _NETWORK:
        raise failures.unusable(path, f"it lies on a network file system (`{kind}`)", "give a local file with --db")


def check_header(path: Path, version_max: int) -> None:
    """Refuse what is not ours, or newer than us, by the file's first 100 bytes; SQLite has not seen it yet."""
    with failures.on_disk(path), path.open("rb") as file:
        header = file.read(100)
    if not header:
        raise failures.unusable(path, "it is an empty file", "delete it, or give another file with --db")
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise failures.unusable(path, "it is not a papertrade database", "give another file with --db")
    version, _, application_id = struct.unpack(">III", header[60:72])
    if application_id != APPLICATION_ID:
        raise failures.unusable(path, "it is not a papertrade database", "give another file with --db")
    check_version(path, version, version_max)


def check_version(path: Path, version: int, version_max: int) -> None:
    """Refuse a schema that is newer than this program, or none at all."""
    if version > version_max:
        raise failures.unusable(
            path,
            f"it was made by a newer papertrade (schema {version}, this one knows {version_max})",
            "install a newer papertrade",
        )
    if version < 1:
        raise failures.unusable(path, "it has no schema", "restore a backup, or move the file away to start anew")


def create(path: Path, fill: Fill) -> None:
    """Make a new database: filled under another name, then moved into place, so that no half one is ever seen.

    The caller holds the writers' lock and has seen that `path` does not exist.
    """
    fresh = path.with_name(f"{path.name}.new")
    with failures.on_disk(path):
        try:
            for left_over in (fresh, *(fresh.with_name(f"{fresh.name}{end}") for end in ("-wal", "-shm"))):
                left_over.unlink(missing_ok=True)
            os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with connected(fresh) as connection, connection.begin():
                fill(connection)
            sync(fresh)
            fresh.rename(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


def make_folder(path: Path) -> None:
    """Make the folder of a new database, readable for its owner only; one that exists is left as it is."""
    with failures.on_disk(path):
        missing = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)


def sync(path: Path) -> None:
    """Force a finished file to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def connected(path: Path) -> Iterator[Connection]:
    """Open the one connection, with every pragma set and read back; closed at the end of the block."""
    connection = connect(path)
    try:
        yield connection
    finally:
        connection.close()


def connect(path: Path) -> Connection:
    """Open an existing file. Transactions begin as the execution option BEGIN says, deferred without it."""
    engine = create_engine("sqlite://", creator=lambda: _raw(path), poolclass=NullPool)
    event.listen(engine, "begin", _begin)
    with failures.on_disk(path):
        return engine.connect()


def raw(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection, for what only the driver can do."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(f"{driver!r} is not a connection of SQLite")
    return driver


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(str(connection.get_execution_options().get(BEGIN, DEFERRED)))


def _raw(path: Path) -> sqlite3.Connection:
    """Open the file without ever creating it; we send BEGIN ourselves."""
    uri = f"file:{quote(str(path.resolve()))}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_MS / 1000)
    try:
        for name, wanted, expected in _PRAGMAS:
            connection.execute(f"PRAGMA {name} = {wanted}").close()
            (actual,) = connection.execute(f"PRAGMA {name}").fetchone()
            if actual != expected:
                raise failures.unusable(
                    path, f"SQLite refused {name} = {wanted} ({actual})", "give a file on a local disk with --db"
                )
    except BaseException:
        connection.close()
        raise
    return connection


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """Return the kind of file system that holds a path; empty where the system does not tell."""
    try:
        lines = mounts.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    longest, kind = -1, ""
    for line in lines:
        _, where, name, *_ = [*line.split(" "), "", "", ""]
        place = Path(where.replace("\\040", " "))
        if path.is_relative_to(place) and len(place.parts) >= longest:
            longest, kind = len(place.parts), name
    return kind
