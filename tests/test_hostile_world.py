"""What the machine can do to us: folders that are read-only, disks that are full, readers that leave, no environment.

Every case drives real commands. The rule of all of them: no traceback, the right exit code, with `--json` exactly
one envelope, and nothing changed that was not ours to change.
"""

from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest

from papertrade.cli import main
from tests.commands.stored_books import stored
from tests.hostile import LISTS, NEXT_DAY, WRITES, a_line, ask, content

ROOT = Path(__file__).resolve().parents[1]
NOBODY = 65_534
IS_ROOT = os.geteuid() == 0

FORMATS = [
    ["export", "ledger", "--format", "beancount"],
    ["export", "events", "--format", "ndjson"],
    ["export", "fills", "--format", "json"],
]
PRINTS = [*LISTS, ["config", "show"], ["--version"]]
"""Commands that print, whatever from."""


def process(
    words: Sequence[str],
    env: dict[str, str],
    *,
    before: Callable[[], None] | None = None,
    stdout: int = subprocess.PIPE,
) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own with nothing but this environment."""
    return subprocess.run(
        [sys.executable, "-m", "papertrade", *words],
        env={"PYTHONDONTWRITEBYTECODE": "1", **env},
        cwd=ROOT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One database for all tests that only read."""
    return stored(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def books(tmp_path: Path) -> dict[str, str]:
    return stored(tmp_path)


# -- a folder that may not be written -------------------------------------------------------------------


@pytest.fixture
def foreign_folder(kept: dict[str, str]) -> Iterator[Path]:
    """A folder with a database that only root may write, visited as nobody."""
    if not IS_ROOT:
        pytest.skip("needs root, to become somebody else")
    folder = Path(tempfile.mkdtemp())
    shutil.copy(kept["PAPERTRADE_DB"], folder / "books.db")
    folder.chmod(0o755)
    (folder / "books.db").chmod(0o644)
    for words in [*LISTS, *WRITES]:
        ask(words, kept)  # so that every module is loaded while we may read it
    os.seteuid(NOBODY)
    yield folder
    os.seteuid(0)
    shutil.rmtree(folder)


def nobodys(folder: Path) -> dict[str, str]:
    return {"PAPERTRADE_DB": str(folder / "books.db"), "PAPERTRADE_CONFIG": "", "XDG_CONFIG_HOME": str(folder)}


def test_f11_a_read_only_folder_is_named(foreign_folder: Path) -> None:
    before = content(foreign_folder)
    env = nobodys(foreign_folder)
    for words in [*WRITES, ["account", "list"], ["init"]]:
        done = ask([*words, "--json"], env)
        assert done.code == 12
        assert str(foreign_folder) in str(done.error["message"])
    made = ask(["trades", "--json"], {**env, "PAPERTRADE_DB": str(foreign_folder / "new.db")})
    assert (made.code, made.error["code"]) == (12, "database_unusable")
    assert content(foreign_folder) == before


def test_an_export_into_a_read_only_folder_is_named(foreign_folder: Path, kept: dict[str, str]) -> None:
    os.seteuid(0)
    own = foreign_folder.with_name(f"{foreign_folder.name}-own")
    own.mkdir()
    shutil.copy(kept["PAPERTRADE_DB"], own / "books.db")
    shutil.chown(own, NOBODY)
    shutil.chown(own / "books.db", NOBODY)
    os.seteuid(NOBODY)
    env = nobodys(own)
    target = foreign_folder / "trades.csv"
    done = ask(["export", "trades", "-o", str(target), "--json"], env)
    os.seteuid(0)
    shutil.rmtree(own)
    assert (done.code, done.error["code"]) == (12, "output_unwritable")
    assert done.error["message"] == f"`{target}` cannot be written: permission denied"


# -- disks that are full --------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    if not IS_ROOT or subprocess.run(["mount", *options], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / "filling").open("wb", buffering=0) as stream:
        for size in (4096, 1):
            try:
                while stream.write(b"x" * size):
                    pass
            except OSError:
                continue


def test_f09_a_full_disk_changes_nothing_and_is_named(small_disk: Path, kept: dict[str, str]) -> None:
    path = small_disk / "books.db"
    shutil.copy(kept["PAPERTRADE_DB"], path)
    env = {**kept, "PAPERTRADE_DB": str(path)}
    assert ask(["check", "-q"], env).code == 0
    before = path.read_bytes()
    fill(small_disk)
    for words in WRITES:
        done = ask([*words, "--json"], env)
        assert done.code == 12, words
        assert done.error["code"] == "database_unusable"
        assert str(path) in str(done.error["message"])
    (small_disk / "filling").unlink()
    assert path.read_bytes() == before
    assert ask(["check", "-q"], env).code == 0


def test_a_full_disk_keeps_the_old_export(small_disk: Path, kept: dict[str, str]) -> None:
    old = small_disk / "old.csv"
    old.write_text("old", encoding="utf-8")
    fill(small_disk)
    exported = ask(["export", "events", "-o", str(old), "--force", "--json"], kept)
    saved = ask(["db", "backup", str(small_disk / "copy.db"), "--json"], kept)
    begun = ask(["init", "--json"], {**kept, "PAPERTRADE_CONFIG": str(small_disk / "config.yaml")})
    assert (exported.code, exported.error["code"]) == (12, "output_unwritable")
    assert exported.error["message"] == f"`{old}` cannot be written: no space left on device"
    assert (saved.code, begun.code) == (12, 12)
    assert str(small_disk / "copy.db") in str(saved.error["message"])
    assert old.read_text(encoding="utf-8") == "old"
    assert sorted(path.name for path in small_disk.iterdir()) == ["filling", "old.csv"]


def no_file_above(size: int) -> Callable[[], None]:
    """Return what makes a process unable to write files larger than that."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_file_that_may_not_grow_is_named(books: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "events.csv"
    target.write_text("old", encoding="utf-8")
    words = ["export", "events", "-o", str(target), "--force"]
    done = process(words, books, before=no_file_above(3_000))
    assert done.returncode == 12
    assert done.stdout == ""
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr
    assert target.read_text(encoding="utf-8") == "old"
    assert ask(["check", "-q"], books).code == 0


def test_a_database_that_may_not_grow_is_named(books: dict[str, str]) -> None:
    done = process(["note", "x" * 4_000], books, before=no_file_above(4_096))
    assert done.returncode == 12
    assert done.stderr.startswith(f"error: database `{books['PAPERTRADE_DB']}` cannot be used: the disk")
    assert "Traceback" not in done.stderr
    assert ask(["check", "-q"], books).code == 0


# -- readers that leave ---------------------------------------------------------------------------------


def run_into(descriptor: int, words: Sequence[str], env: dict[str, str]) -> tuple[int, str]:
    """Run a command whose stdout is this descriptor; returns its exit code and what it said on stderr."""
    said = io.StringIO()
    with (
        os.fdopen(descriptor, "w", encoding="utf-8") as stream,
        patch.dict(os.environ, env),
        patch.object(sys, "stdout", stream),
        patch.object(sys, "stderr", said),
    ):
        code = main(list(words), clock=NEXT_DAY)
    return code, said.getvalue()


OUTPUTS = [*PRINTS, *([*words, "--json"] for words in PRINTS), *FORMATS, ["check", "--json"], ["--help"]]


@pytest.mark.parametrize("words", OUTPUTS, ids=a_line)
def test_f27_a_reader_that_leaves_is_no_error(kept: dict[str, str], words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert run_into(writer, [*words, "-q"], kept) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("words", OUTPUTS, ids=a_line)
def test_a_full_disk_behind_stdout_is_one_line(kept: dict[str, str], words: list[str]) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    said = run_into(full, [*words, "-q"], kept)
    assert said == (12, "error: output cannot be written: no space left on device\n")


# -- no environment -------------------------------------------------------------------------------------


def test_f05_an_empty_environment_is_enough(kept: dict[str, str], tmp_path: Path) -> None:
    done = process(["--db", kept["PAPERTRADE_DB"], "trades"], {"LANG": "C"})
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "\x1b" not in done.stdout
    exported = process(["--db", kept["PAPERTRADE_DB"], "export", "trades", "-o", str(tmp_path / "a.csv"), "-q"], {})
    assert (exported.returncode, exported.stdout, exported.stderr) == (0, "", "")


def test_text_is_utf_8_in_every_locale(books: dict[str, str]) -> None:
    ask(["note", "grüß dich"], books)
    done = process(["export", "notes", "-q"], {**books, "LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"})
    assert "grüß dich" in done.stdout


def test_a_home_that_is_none_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file", encoding="utf-8")
    done = process(["trades", "--json"], {"HOME": str(home)})
    assert done.returncode == 3
    assert done.stdout.count("\n") == 1
    assert str(home) in done.stdout
