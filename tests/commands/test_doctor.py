"""`doctor`: what is well, what is worth a word, and what is broken."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from papertrade.errors import Json
from papertrade.store.locks import WatchLock
from papertrade.store.rows import SetAside
from tests.commands.test_status_stop import running, store_of
from tests.commands.watching import Watched, tape, watched
from tests.venue_faults import html, refuse


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Watched]:
    with watched(tmp_path, tape({})) as made:
        yield made


def findings(venue: Watched) -> dict[str, dict[str, Json]]:
    """Return the findings by name; of several with one name the last."""
    items = cast("list[dict[str, Json]]", venue.data("doctor", "-q")["findings"])
    return {cast("str", item["name"]): item for item in items}


def test_all_is_well(venue: Watched) -> None:
    venue.run("status")
    result = venue.run("doctor", "-q")
    assert (result.code, result.err) == (0, "")
    found = findings(venue)
    verdicts = {name: item["verdict"] for name, item in found.items() if name != "sqlite"}
    assert set(verdicts.values()) == {"ok"}
    assert list(verdicts) == [
        "papertrade",
        "packages",
        "config",
        "database",
        "disk",
        "store",
        "binance",
        "clock",
        "watch",
    ]
    assert found["clock"]["text"] == "+0 ms against binance"
    assert cast("str", found["database"]["text"]).startswith(f"{venue.database}, ")
    assert found["watch"]["text"] == "not running, no tick so far, 0 live trades"


def test_it_fits_a_terminal(venue: Watched) -> None:
    venue.run("status")
    lines = [line for line in venue.run("doctor").out.splitlines() if str(venue.folder) not in line]
    assert max(len(line) for line in lines) <= 100


def test_the_version_of_sqlite(venue: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    assert findings(venue)["sqlite"]["verdict"] == "warning"
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    assert findings(venue)["sqlite"]["verdict"] == "ok"


def test_nothing_is_made(venue: Watched) -> None:
    found = findings(venue)
    assert (found["database"]["verdict"], found["database"]["text"]) == (
        "warning",
        f"{venue.database} does not exist yet",
    )
    assert "watch" not in found
    assert not venue.database.exists()


def test_a_configuration_that_cannot_be_read(venue: Watched) -> None:
    venue.configure("wach:\n  interval: 5\n")
    result = venue.run("doctor")
    assert result.code == 3
    assert "error    config" in result.out
    assert "unknown setting `wach`" in result.err
    assert result.out.count("papertrade") >= 1


def test_a_database_that_is_no_database(venue: Watched) -> None:
    venue.database.write_bytes(b"x" * 5000)
    result = venue.run("doctor")
    assert result.code == 12
    assert "error    store       database" in result.out
    assert "it is not a papertrade database" in result.err


def test_a_damaged_page_is_found(venue: Watched) -> None:
    venue.long()
    raw = bytearray(venue.database.read_bytes())
    for page in range(4096, len(raw), 4096):
        raw[page : page + 8] = b"\xff" * 8
    venue.database.write_bytes(raw)
    result = venue.run("doctor", "-q")
    assert result.code == 12
    assert "error    store" in result.out


def test_a_file_that_others_may_read(venue: Watched) -> None:
    venue.run("status")
    venue.database.chmod(0o644)
    found = findings(venue)["database"]
    assert (found["verdict"], found["hint"]) == ("warning", f"chmod 600 {venue.database}")


def test_a_venue_that_cannot_be_reached(venue: Watched) -> None:
    venue.run("status")
    venue.server.always("time", refuse(503))
    result = venue.run("doctor", "--json")
    assert (result.code, result.error["code"]) == (8, "feed_unavailable")
    assert result.error["hint"] == ("look at the network, a firewall, feeds.binance.base_url and feeds.binance.proxy")
    assert cast("dict[str, Json]", result.envelope["data"])["errors"] == 1


def test_a_ban_is_obeyed(venue: Watched) -> None:
    venue.long()
    venue.server.plan("time", refuse(418, -1003, "banned", Retry_After="600"))
    venue.run("watch", "--once", "-q")
    asked = venue.server.count()
    assert venue.run("doctor", "-q").code == 8
    assert venue.server.count() == asked


@pytest.mark.parametrize(("by_ms", "text"), [(7_000, "+7s"), (-3_600_000, "-1h 00m"), (-500, "-500 ms")])
def test_clocks_that_differ(venue: Watched, by_ms: int, text: str) -> None:
    venue.server.now_ms += by_ms
    found = findings(venue)["clock"]
    assert found["text"] == f"{text} against binance"
    assert found["verdict"] == ("warning" if abs(by_ms) > 5_000 else "ok")


def test_live_trades_that_nobody_watches(venue: Watched) -> None:
    venue.long()
    found = findings(venue)["watch"]
    assert (found["verdict"], found["text"]) == ("warning", "not running, no tick so far, 1 live trades")
    venue.run("watch", "--once", "-q")
    assert findings(venue)["watch"]["verdict"] == "ok"
    lock: WatchLock = running(venue)
    assert findings(venue)["watch"]["text"] == "running (pid 4711), 1 ticks"
    lock.release()


def test_symbols_trades_and_targets_in_trouble(venue: Watched) -> None:
    venue.configure(
        "notify:\n  targets:\n  - name: slow\n    type: command\n    command: [/no/such]\n    timeout: 10\n"
    )
    venue.long()
    venue.pass_seconds(60)
    venue.server.plan("klines", html())
    venue.run("watch", "--once", "-q")
    with store_of(venue) as store:
        store.write(lambda w: w.set_trade_aside(SetAside(trade_id=1, from_ms=0, error="odd", ticks=4)))
    items = cast("list[dict[str, Json]]", venue.data("doctor", "-q")["findings"])
    said = [f"{item['name']} {item['text']}" for item in items if item["verdict"] == "warning"]
    assert any(text.startswith("symbol AAAUSDT failed 1 ticks in a row") for text in said)
    assert "trade 1 is set aside: odd" in said
    assert "notify `slow` may take 10 s, a tick gives all targets 3 s" in said
    assert "notify 1 undelivered, 0 given up" in said
