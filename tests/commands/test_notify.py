"""`notify test` and `notify list`, and that no secret is ever shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from tests.commands.watching import Watched, tape, watched
from tests.runs.web import Listener

SECRET = "SENTINEL-4711"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path, tape({3: "100 101 94 99"})) as made:
        yield made


def two_targets(venue: Watched, url: str) -> None:
    venue.configure(
        f"""notify:
  targets:
  - name: phone
    type: webhook
    url: {url}?token={SECRET}
    allow_private: true
    secret_header: X-Token
    secret_value: {SECRET}
  - name: desk
    type: command
    command: [sh, -c, "cat > {venue.folder}/out; exit 3", {SECRET}]
    events: [trade_closed]
    timeout: 10
"""
    )


def test_without_targets(venue: Watched) -> None:
    assert venue.run("notify", "list").out == "no targets; add one under notify.targets: docs/configuration.md\n"
    assert venue.data("notify", "list") == {"items": [], "total": 0}
    result = venue.run("notify", "test")
    assert (result.code, result.out) == (5, "")
    assert result.err.startswith("error: no notification target is configured\nhint: add one under notify.targets")


def test_a_test_event(venue: Watched) -> None:
    with Listener() as listener:
        two_targets(venue, listener.url)
        venue.run("status")
        result = venue.run("notify", "test", "phone")
        assert (result.code, result.out, result.err) == (0, "phone: sent\n", "")
        (got,) = listener.got
        assert json.loads(got.body) == {
            "event": "test",
            "at": "2026-11-20T10:00:30.000Z",
            "delivery": None,
            "target": "phone",
            "data": {"kind": "test", "trade": None},
        }
        assert (got.path, got.headers["X-Token"]) == (f"/hook?token={SECRET}", SECRET)


def test_a_test_that_does_not_arrive(venue: Watched) -> None:
    with Listener(500) as listener:
        two_targets(venue, listener.url)
        venue.run("status")
        result = venue.run("notify", "test")
        assert result.out == "phone: HTTP 500\ndesk: `sh` ended with exit code 3\n"
        assert (result.code, result.err) == (10, "error: 2 of 2 targets could not be reached\n")
        envelope = venue.run("notify", "test", "desk", "--json").envelope
        item = {"name": "desk", "sent": False, "error": "`sh` ended with exit code 3"}
        assert envelope["data"] == {"items": [item], "total": 1}
        result = venue.run("notify", "test", "gone")
        assert (result.code, result.err) == (
            5,
            "error: no notification target `gone`\nhint: papertrade notify list\n",
        )


def test_what_is_undelivered_and_why(venue: Watched) -> None:
    with Listener() as listener:
        two_targets(venue, listener.url)
        venue.long()
        venue.pass_seconds(240)
        venue.run("watch", "--once", "-q")
        assert venue.run("notify", "list").out == (
            "Target  To         Delivered  Waiting  Given up  Why\n"
            "----------------------------------------------------------------------------\n"
            "phone   127.0.0.1          2        0         0\n"
            "desk    sh                 0        1         0  `sh` ended with exit code 3\n"
        )
        data = venue.data("notify", "list")
        phone, desk = cast("list[dict[str, Json]]", data["items"])
        assert (phone["type"], phone["to"], phone["delivered"], phone["last_error"]) == (
            "webhook",
            "127.0.0.1",
            2,
            None,
        )
        assert desk == {
            "name": "desk",
            "type": "command",
            "to": "sh",
            "events": ["trade_closed"],
            "timeout_seconds": "10",
            "delivered": 0,
            "undelivered": 1,
            "given_up": 0,
            "last_error": "`sh` ended with exit code 3",
            "next_try_at": "2026-11-20T10:05:00.000Z",
        }
        sheet = venue.run("notify", "list", "--csv").out.split("\r\n")
        assert sheet[2] == (
            "desk,command,sh,trade_closed,10,0,1,0,`sh` ended with exit code 3,2026-11-20T10:05:00.000Z"
        )


@pytest.mark.parametrize("more", [[], ["-vv"], ["--json"]])
def test_f35_no_secret_is_ever_shown(venue: Watched, more: list[str]) -> None:
    two_targets(venue, "http://127.0.0.1:1/hook")
    venue.long()
    for words in (
        ["notify", "test"],
        ["notify", "list"],
        ["watch", "--once"],
        ["watch", "--for", "31s"],
        ["status"],
        ["doctor"],
        ["config", "show"],
    ):
        result = venue.run(*words, *more)
        assert SECRET not in result.out + result.err, words
    assert SECRET.encode() not in venue.database.read_bytes()
