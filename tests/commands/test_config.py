"""`config show`, `config check`, `config set`: what holds and why, every mistake, one changed line."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from papertrade.errors import Json
from tests.cli import Result, run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("# mine\nwatch:\n  interval: 60  # slow\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def world(file: Path) -> dict[str, str]:
    return {"PAPERTRADE_CONFIG": str(file), "PAPERTRADE_DB": str(file.with_name("books.db"))}


def items(result: Result) -> dict[str, dict[str, Json]]:
    data = result.envelope["data"]
    assert isinstance(data, dict)
    rows = data["items"]
    assert isinstance(rows, list)
    assert data["total"] == len(rows)
    return {row["path"]: row for row in rows}


def test_each_value_comes_with_its_source(file: Path) -> None:
    env = {**world(file), "PAPERTRADE_COSTS__TAKER": "0.2%"}
    shown = items(run(["--account", "other", "config", "show", "--json"], env))
    assert shown["watch.interval"] == {"path": "watch.interval", "value": "60", "source": str(file)}
    assert shown["costs.taker"] == {"path": "costs.taker", "value": "0.2%", "source": "PAPERTRADE_COSTS__TAKER"}
    assert shown["account.name"] == {"path": "account.name", "value": "other", "source": "flag"}
    assert shown["leverage"] == {"path": "leverage", "value": "1", "source": "default"}


def test_it_reads_well(file: Path) -> None:
    lines = run(["config", "show"], world(file)).out.splitlines()
    assert lines[:6] == [
        f"configuration  {file}",
        f"database       {file.with_name('books.db')}",
        "",
        f"{'setting':30} {'value':31}  source",
        "-" * len(lines[4]),
        f"{'account.name':30} {'main':31}  default",
    ]


def test_it_says_when_there_is_no_file(tmp_path: Path) -> None:
    env = {"PAPERTRADE_CONFIG": "", "XDG_CONFIG_HOME": str(tmp_path), "PAPERTRADE_DB": ""}
    first = run(["config", "show"], env).out.splitlines()[0]
    assert first == f"configuration  {tmp_path}/papertrade/config.yaml (not there: all defaults)"


def test_it_is_a_list_for_scripts_too(file: Path) -> None:
    rows = list(csv.reader(io.StringIO(run(["config", "show", "--csv"], world(file)).out, newline="")))
    assert rows[0] == ["setting", "value", "source"]
    assert ["watch.interval", "60", str(file)] in rows


def test_secrets_are_never_shown(file: Path) -> None:
    file.write_text(
        "notify:\n  targets:\n    - {name: a, type: webhook, url: https://example.org/SENTINEL-1,"
        " secret_header: X-T, secret_value: SENTINEL-2}\n",
        encoding="utf-8",
    )
    env = {**world(file), "PAPERTRADE_FEEDS__BINANCE__PROXY": "http://me:SENTINEL-3@127.0.0.1:1"}
    for words in (["config", "show"], ["config", "show", "--json"], ["config", "show", "--csv"], ["config", "check"]):
        done = run([*words, "-vv"], env)
        assert done.code == 0
        assert "SENTINEL" not in done.out + done.err
        assert "***" in done.out or "is right" in done.out


def test_a_file_that_others_may_read_is_warned_about_when_it_holds_secrets(file: Path) -> None:
    file.write_text("feeds: {binance: {proxy: http://me:SENTINEL@127.0.0.1:1}}\n", encoding="utf-8")
    file.chmod(0o644)
    for words in (["config", "check"], ["config", "check", str(file)]):
        done = run(words, world(file))
        assert done.err == f"warning: `{file}` holds secrets and others may read it (mode 0644): chmod 600 {file}\n"
        assert run([*words, "-q"], world(file)).err == ""


def test_a_right_file_is_said_to_be(file: Path, tmp_path: Path) -> None:
    assert run(["config", "check"], world(file)).out == f"{file} is right: 1 set, 54 at their default\n"
    data = run(["config", "check", str(file), "--json"], world(tmp_path / "other")).envelope["data"]
    assert data == {"file": str(file), "file_exists": True, "valid": True, "set": ["watch.interval"]}
    env = {"PAPERTRADE_CONFIG": "", "XDG_CONFIG_HOME": str(tmp_path)}
    assert "is not there, which is right too: 0 set" in run(["config", "check"], env).out


def test_every_mistake_is_named_with_its_place(file: Path) -> None:
    file.write_text("watch:\n  intervall: 60\n  deadline: 0\ncolour: red\n", encoding="utf-8")
    expected = [
        f"{file}:2:3: unknown setting `watch.intervall`, did you mean `watch.interval`?",
        f"{file}:3:13: `watch.deadline` is `0`, expected 0.5 to 2376 seconds",
        f"{file}:4:1: unknown setting `colour`, `papertrade config show` lists all",
        "PAPERTRADE_LEVERAGE: `leverage` is `x`, expected a number from 1 to 125",
    ]
    done = run(["config", "check", "--json"], {**world(file), "PAPERTRADE_LEVERAGE": "x"})
    assert done.code == 3
    details = done.error["details"]
    assert isinstance(details, dict)
    assert details["problems"] == expected
    assert run(["config", "check", str(file)], {"PAPERTRADE_CONFIG": ""}).err.splitlines()[:4] == [
        "error: 3 things are wrong:",
        *expected[:3],
    ]


def test_every_command_stops_at_a_wrong_configuration(file: Path) -> None:
    file.write_text("watch: [", encoding="utf-8")
    for words in (["trades"], ["config", "show"], ["export", "trades"], ["check"], ["init"]):
        assert run([*words, "--json"], world(file)).code == 3


def test_one_setting_is_changed_and_the_rest_stays(file: Path) -> None:
    done = run(["config", "set", "watch.interval", "45"], world(file))
    assert done == Result(0, f"watch.interval is 45 now in {file}\n", "")
    assert file.read_text(encoding="utf-8") == "# mine\nwatch:\n  interval: 45  # slow\n"
    data = run(["config", "set", "same_currency", "[[USD, USDT]]", "--json"], world(file)).envelope["data"]
    assert data == {"file": str(file), "path": "same_currency", "value": "[[USD, USDT]]", "overridden_by": None}
    assert items(run(["config", "show", "--json"], world(file)))["same_currency"]["value"] == "[[USD, USDT]]"


def test_a_file_is_made_for_the_first_setting(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.yaml"
    assert run(["config", "set", "leverage", "2"], world(path)).code == 0
    assert path.read_text(encoding="utf-8") == "leverage: 2\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_wins_over_the_file_is_named(file: Path) -> None:
    env = {**world(file), "PAPERTRADE_WATCH__INTERVAL": "90"}
    done = run(["config", "set", "watch.interval", "45"], env)
    assert done == Result(
        0, f"watch.interval is 45 now in {file}\n", "PAPERTRADE_WATCH__INTERVAL is set and wins over the file\n"
    )


def test_what_is_wrong_elsewhere_is_told_but_does_not_keep_the_file_from_changing(file: Path) -> None:
    done = run(["config", "set", "watch.interval", "45"], {**world(file), "PAPERTRADE_LEVERAGE": "x"})
    assert done.code == 0
    assert done.err == "PAPERTRADE_LEVERAGE: `leverage` is `x`, expected a number from 1 to 125\n"


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("watch.intervall", "60", "unknown setting `watch.intervall`, did you mean `watch.interval`?"),
        ("watch.interval", "0", "`watch.interval` is `0`, expected 1 to 3600 seconds"),
        ("presets", "{", "`presets` is not YAML: "),
    ],
)
def test_a_wrong_setting_changes_nothing(file: Path, setting: str, value: str, message: str) -> None:
    before = file.read_text(encoding="utf-8")
    done = run(["config", "set", setting, value, "--json"], world(file))
    assert done.code == 3
    assert str(done.error["message"]).startswith(message)
    assert file.read_text(encoding="utf-8") == before
