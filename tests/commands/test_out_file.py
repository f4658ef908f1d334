"""Files that commands write: whole or not at all, and never over something that was not meant."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from papertrade.commands.out_file import written
from papertrade.errors import OutputUnwritable, Refused


def write(path: Path, text: str = "new", *, is_forced: bool = False) -> None:
    with written(path, is_forced=is_forced) as stream:
        stream.write(text)


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with written(path) as stream:
        stream.write("a\r\nb")
        assert not path.exists()
    assert path.read_bytes() == b"a\r\nb"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, "old")
    with pytest.raises(RuntimeError), written(path, is_forced=True) as stream:
        stream.write("half")
        raise RuntimeError
    assert path.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write(path, "old")
    with pytest.raises(Refused) as refused:
        write(path)
    assert (refused.value.error_code, refused.value.exit_code) == ("file_exists", 6)
    assert refused.value.message == f"`{path}` already exists"
    write(path, is_forced=True)
    assert path.read_text(encoding="utf-8") == "new"


def test_a_link_that_leads_nowhere_is_a_file_that_exists(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refused, match="already exists"):
        write(link)
    write(link, is_forced=True)
    assert not (tmp_path / "nowhere").exists()


def test_f34_a_folder_a_device_a_pipe_and_a_socket_are_refused_even_with_force(tmp_path: Path) -> None:
    fifo, link, port = tmp_path / "fifo", tmp_path / "link", tmp_path / "socket"
    os.mkfifo(fifo)
    link.symlink_to("/dev/null")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(port))
    for path in (tmp_path, Path("/dev/null"), fifo, link, port):
        with pytest.raises(Refused) as refused:
            write(path, is_forced=True)
        assert refused.value.error_code == "not_a_file"
    server.close()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing/out.csv", "no such file or directory"),
        ("file/out.csv", "not a directory"),
        ("x" * 300, "file name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable) as failed:
        write(tmp_path / path)
    assert failed.value.exit_code == 12
    assert failed.value.message.endswith(f"cannot be written: {reason}")
    assert failed.value.details["reason"] == reason
