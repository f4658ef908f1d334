"""The shell of the command line: flags, forms of an answer, errors and exit codes, help, completion."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence

import pytest

from papertrade import __version__
from papertrade.commands.table import COMMANDS, Entry, entries
from tests.cli import NOW, NOW_MS, Result, run
from tests.fake_commands import TABLE

CONTRACT = (
    "demo init long short signal open buy sell orders close cancel modify note tag watch status stop log trades show "
    "explain portfolio metrics equity account price candles instruments notify export check db config doctor "
    "backtest sweep runs parity whatif guards book movers void"
)

BELOW = {
    "signal": ["add", "import", "list", "show", "cancel"],
    "account": ["list", "create", "use", "show", "deposit", "withdraw", "reset"],
    "notify": ["test", "list"],
    "runs": ["list", "show", "compare", "delete", "repeat"],
    "db": ["backup", "migrate"],
    "config": ["show", "check", "set"],
}


def shell(*args: str, **env: str) -> Result:
    return run(args, env, table=TABLE)


# The table


def test_the_table_has_every_command_of_the_contract() -> None:
    assert sorted(row.name for row in COMMANDS if row.name != "board") == sorted(CONTRACT.split())


@pytest.mark.parametrize("group", BELOW)
def test_groups_hold_their_commands(group: str) -> None:
    names = [words.split()[1] for words, _ in entries(COMMANDS) if words.startswith(f"{group} ")]
    assert names == BELOW[group]


@pytest.mark.parametrize(("words", "entry"), list(entries(COMMANDS)))
def test_help_lines_are_short_and_unpunctuated(words: str, entry: Entry) -> None:
    assert len(entry.help) <= 70, words
    assert not entry.help.endswith(".")


WRITTEN = [(words, entry) for words, entry in entries(COMMANDS) if importlib.util.find_spec(entry.module) is not None]


@pytest.mark.parametrize(("words", "entry"), WRITTEN)
def test_every_written_command_shows_its_help_in_100_columns(words: str, entry: Entry) -> None:
    result = run([*words.split(), "--help"])
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: papertrade {words} [OPTIONS]")
    assert "--account NAME" in result.out
    assert max(map(len, result.out.splitlines())) <= 100


# Help and version


def test_help_fits_100_columns_and_is_grouped() -> None:
    result = run(["--help"])
    assert (result.code, result.err) == (0, "")
    assert max(map(len, result.out.splitlines())) <= 100
    titles = [line for line in result.out.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Trade:", "Watch:", "Look:", "Account:", "Test:", "Data:", "House:", "Options:", "Everywhere:"]
    listed = [line.split()[0] for line in result.out.splitlines() if line.startswith("  ")]
    assert [name for name in CONTRACT.split() if name not in listed] == []
    assert "board  " not in result.out


def test_help_of_a_command_lists_own_options_before_the_shared_ones() -> None:
    lines = shell("prices", "--help").out.splitlines()
    places = [lines.index(title) for title in ("Arguments:", "Options:", "Everywhere:")]
    assert places == sorted(places)
    assert any(line.strip().startswith("--csv") for line in lines[places[1] : places[2]])
    assert any(line.strip().startswith("--account NAME") for line in lines[places[2] :])


def test_help_of_a_group_needs_none_of_its_modules() -> None:
    result = shell("signal", "-h")
    assert result.code == 0
    assert "  list  List them" in result.out


def test_a_command_module_is_imported_only_when_it_is_run() -> None:
    assert shell("--help").code == 0
    assert "No module named 'tests.no_such_module'" in shell("absent").err


@pytest.mark.parametrize("args", [["--version"], ["-v", "--version"], ["--version", "prices"]])
def test_version(args: Sequence[str]) -> None:
    assert run(args, table=TABLE) == Result(0, f"papertrade {__version__}\n", "")


def test_version_as_json() -> None:
    assert shell("--version", "--json").envelope == {
        "success": True,
        "data": {"version": __version__},
        "timestamp": NOW,
    }


def test_version_imports_nothing_but_the_way_in() -> None:
    code = (
        "import sys; before = set(sys.modules); from papertrade.cli import main; main(['--version']);"
        "print(sorted(set(sys.modules) - before - {'__future__'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"papertrade {__version__}",
        "['papertrade', 'papertrade.cli']",
    ]


@pytest.mark.parametrize("args", [["--help"], ["signal", "--help"]])
def test_help_loads_nothing_heavy(args: list[str]) -> None:
    heavy = ["asyncio", "httpx", "numpy", "pydantic", "rich.console", "sqlalchemy", "sqlmodel", "tenacity", "yaml"]
    code = (
        "import sys; from papertrade.cli import main; "
        f"main({args!r}); sys.stderr.write(str([m for m in {heavy!r} if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]"


# Flags


def test_flags_stand_before_and_after_the_command() -> None:
    result = shell(
        "--config", "a.yaml", "--account", "first", "-v", "flags", "--account", "second", "-vv", "--json", "-q"
    )
    assert result.envelope["data"] == {
        "config": "a.yaml",
        "db": None,
        "account": "second",
        "quiet": True,
        "verbosity": 3,
        "color": True,
        "started": NOW_MS,
    }


def test_flags_reach_commands_of_groups_from_every_place() -> None:
    result = shell("--no-color", "signal", "--db", "x.db", "add", "--config", "c.yaml", "--json")
    data = result.envelope["data"]
    assert isinstance(data, dict)
    assert (data["db"], data["config"], data["color"]) == ("x.db", "c.yaml", False)


def test_without_a_command_the_board_is_shown() -> None:
    assert shell() == Result(0, "the board\n", "")
    assert shell("--offline", "--json").envelope["data"] == {"offline": True}
    assert shell("-q", "--json").envelope["data"] == {"offline": False}


def test_offline_before_another_command_is_refused() -> None:
    result = shell("--offline", "flags")
    assert (result.code, result.out) == (2, "")
    assert result.err == "error: `--offline` stands after the command\nhint: papertrade flags --offline\n"


def test_signed_words_are_arguments_where_a_command_takes_them() -> None:
    result = shell("words", "7", "+new", "-late", "-b", "-q", "--json", "--account", "main")
    assert result.envelope["data"] == {"trade": 7, "changes": ["+new", "-late", "-b"]}
    assert shell("words", "7", "+new").out == "+new\n"
    assert shell("words", "7", "--", "-q").out == "-q\n"


# Forms of an answer


def test_an_answer_for_a_person() -> None:
    result = shell("prices", "BTCUSDT", "ETHUSDT")
    assert result.out == "Symbol   Change\n---------------\nBTCUSDT   -5.00\nETHUSDT   -5.00\n"
    assert (result.code, result.err) == (0, "1 venue asked\n")


def test_quiet_leaves_remarks_out() -> None:
    assert shell("prices", "BTCUSDT", "-q").err == ""


def test_an_answer_as_json() -> None:
    assert shell("prices", "BTCUSDT", "X", "--limit", "1", "--json").envelope == {
        "success": True,
        "data": {"items": [{"symbol": "BTCUSDT", "price": "50"}], "total": 2},
        "timestamp": NOW,
    }


def test_an_answer_as_csv() -> None:
    assert shell("prices", "BTCUSDT", "=cmd()", "--csv").out == "symbol,price\r\nBTCUSDT,-5\r\n'=cmd(),-5\r\n"


def test_csv_on_a_terminal_shows_escapes_and_in_a_pipe_keeps_them() -> None:
    assert "\\u{1b}[2J" in run(["prices", "\x1b[2J", "--csv"], table=TABLE, is_terminal=True).out
    assert "\x1b[2J" in run(["prices", "\x1b[2J", "--csv"], table=TABLE).out


def test_csv_and_json_exclude_each_other() -> None:
    assert shell("prices", "X", "--csv", "--json").error["message"] == "`--csv` and `--json` exclude each other"


def test_a_terminal_gets_colour_unless_it_is_unwanted() -> None:
    terminal = {"NO_COLOR": "", "TERM": "xterm"}
    colored = run(["prices", "X"], terminal, table=TABLE, is_terminal=True)
    assert "\x1b[31m -5.00\x1b[0m" in colored.out
    for args, env in ((["--no-color"], terminal), ([], {**terminal, "NO_COLOR": "1"}), ([], {"TERM": "dumb"})):
        assert "\x1b" not in run(["prices", "X", *args], env, table=TABLE, is_terminal=True).out
    assert "\x1b" not in run(["prices", "X"], terminal, table=TABLE).out


def test_progress_is_shown_on_a_terminal_only() -> None:
    assert "asking 100% (1/1)" in run(["prices", "X"], table=TABLE, is_terminal=True).err
    assert "asking" not in run(["prices", "X", "-q"], table=TABLE, is_terminal=True).err


def test_a_partial_answer_is_printed_with_its_error() -> None:
    assert shell("some") == Result(10, "1 open\n", "error: 1 of 2 was refused\nhint: papertrade trades\n")
    envelope = shell("some", "--json").envelope
    assert envelope["data"] == {"trades": [1]}
    assert envelope["error"] == {
        "code": "partial",
        "message": "1 of 2 was refused",
        "hint": "papertrade trades",
        "details": {},
    }


# Errors


BUG = "hint: this is a bug in papertrade; run it again with -v to see where\n"

FAILURES = [
    ("refused", 6, "error: stop `105` is above entry `100`\nhint: swap --sl and --tp\n"),
    ("hostile", 6, "error: `\\u{1b}[2J` is bad\nsecond line\n"),
    ("bug", 1, f"error: internal error: ValueError: a secret\n{BUG}"),
    ("silent-bug", 1, f"error: internal error: ValueError\n{BUG}"),
    ("interrupt", 130, "error: interrupted\n"),
    ("abort", 130, "error: interrupted\n"),
    ("exit", 7, ""),
    ("full", 12, "error: output cannot be written: no space left on device\n"),
    ("full-file", 12, "error: `trades.csv` cannot be written: no space left on device\n"),
    ("pipe", 141, ""),
]


@pytest.mark.parametrize(("kind", "code", "err"), FAILURES)
def test_a_failure_in_words(kind: str, code: int, err: str) -> None:
    assert shell("fail", kind) == Result(code, "", err)


@pytest.mark.parametrize(
    ("kind", "code", "name"),
    [("refused", 6, "refused"), ("bug", 1, "internal"), ("denied", 1, "internal"), ("interrupt", 130, "interrupted")],
)
def test_a_failure_as_json(kind: str, code: int, name: str) -> None:
    result = shell("fail", kind, "--json")
    assert (result.code, result.err) == (code, "")
    assert result.error["code"] == name
    assert result.envelope["timestamp"] == NOW


def test_the_envelope_of_a_refusal() -> None:
    assert shell("--json", "fail", "refused").envelope == {
        "success": False,
        "error": {
            "code": "refused",
            "message": "stop `105` is above entry `100`",
            "hint": "swap --sl and --tp",
            "details": {"stop": "105"},
        },
        "timestamp": NOW,
    }


@pytest.mark.parametrize("flag", ["-v", "-qv", "--verbose"])
def test_a_bug_shows_its_traceback_only_when_asked(flag: str) -> None:
    result = shell("fail", "bug", flag)
    assert result.code == 1
    assert result.err.startswith("Traceback (most recent call last):\n")
    assert result.err.endswith("error: internal error: ValueError: a secret\n")
    assert "Traceback" not in shell("fail", "bug").err
    assert "Traceback" not in shell("fail", "bug", "-q").err


def test_a_bug_with_json_keeps_stdout_to_one_envelope() -> None:
    result = shell("fail", "bug", "-v", "--json")
    assert result.error["hint"] is None
    assert "Traceback" in result.err


USAGE = [
    (["pricse"], "no command `pricse`", "did you mean `prices`?"),
    (["list"], "no command `list`", "did you mean `signal list`?"),
    (["\x1b[2Jxyz"], "no command `\\u{1b}[2Jxyz`", "`papertrade --help` lists all commands"),
    (["signal"], "`papertrade signal` needs one of: add, list", "papertrade signal --help"),
    (["signal", "lst"], "no command `lst`", "did you mean `list`?"),
    (["prices", "X", "--limti", "3"], "no option `--limti`", "did you mean `--limit`?"),
    (["prices", "X", "-5"], "no option `-5`", "`papertrade prices --help` lists what it takes"),
    (["prices"], "missing argument `SYMBOL...`", "`papertrade prices --help` lists what it takes"),
    (["flags", "extra"], "got unexpected extra argument(s) (extra)", "`papertrade flags --help` lists what it takes"),
    (
        ["prices", "X", "--limit"],
        "option `--limit` requires an argument",
        "`papertrade prices --help` lists what it takes",
    ),
    (["--account"], "option `--account` requires an argument", "`papertrade --help` lists what it takes"),
]


@pytest.mark.parametrize(("args", "message", "hint"), USAGE)
def test_a_usage_error_in_words(args: list[str], message: str, hint: str) -> None:
    assert shell(*args) == Result(2, "", f"error: {message}\nhint: {hint}\n")


@pytest.mark.parametrize("args", [args for args, _, _ in USAGE if args[-1] not in ("--limit", "--account")])
def test_a_usage_error_as_json_wherever_the_flag_stands(args: list[str]) -> None:
    after, before = shell(*args, "--json"), shell("--json", *args)
    assert after.error["code"] == before.error["code"] == "usage"
    assert after.code == before.code == 2
    assert after.err == before.err == ""


def test_a_wrong_number_names_the_option() -> None:
    result = shell("prices", "X", "--limit", "many")
    assert result.code == 2
    assert result.err.startswith("error: invalid value for `--limit`: ")


def test_a_word_that_is_no_choice_is_told_without_the_parsers_own_words() -> None:
    result = run(["export", "nope"])
    assert result.code == 2
    assert result.err.startswith("error: invalid value for `WHAT`: `nope` is not one of `trades`, `signals`, ")


def test_json_behind_a_double_dash_is_a_word() -> None:
    assert shell("flags", "--", "--json").err.startswith("error: got unexpected extra argument(s)")
