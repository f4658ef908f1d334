"""What people can write to us: texts that act on terminals, spreadsheets and parsers, and configurations from hell.

Every text goes in through real commands and comes out of every command in every form. The rule of all of them:
nothing acts, nothing breaks, and with `--json` there is exactly one envelope.
"""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from papertrade.engine.messages import NoteAdded, TradePlaced
from papertrade.store.rows import Recorded
from papertrade.store.store import Writer
from tests.cli import FixedClock, Result, run
from tests.commands.stored_books import stored
from tests.store.stories import START_MS, a_limit, a_signal, an_order, entered, founded, record
from tests.store.stories import stored as stored_signal

NEXT_DAY = FixedClock(START_MS + 86_400_000)

TEXTS = {
    "markup": "[/red][bold]x[/] [link=http://evil.example]click[/link]",
    "escapes": "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f",
    "formula": "=cmd|' /C calc'!A0",
    "plus": "+1+1",
    "at": "@SUM(A1)",
    "full_width": "＝1+1",
    "rtl": "\u202eabc\u202c \u2066x\u2069",
    "zero_width": "a\u200bb\ufeffc",
    "lines": "one\r\ntwo\u2028three\x85four\tfive",
    "quotes": "\"a\" 'b' `c` \\ , ; | %s {0} ${HOME} $(id)",
    "wide": "漢字 🎉 e\u0301 \U000e0041",
    "long": "x" * 3_000,
    "option": "--help",
    "null_word": "null",
}
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
"""What must not reach a terminal; a line feed ends our own lines."""

FORMULA = re.compile(r"[\s\"']*[=+\-@＝＋－＠]")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

SHOWS = [
    ["--offline"],
    ["trades"],
    ["show", "1"],
    ["explain", "1"],
    ["show", "2"],
    ["metrics"],
    ["equity"],
    ["portfolio", "--offline"],
    ["signal", "list"],
    ["signal", "show", "1"],
    ["orders"],
    ["log"],
    ["account", "list"],
    ["config", "show"],
]
LISTS = [["trades"], ["signal", "list"], ["orders"], ["account", "list"], ["config", "show"]]
EXPORTS = ["trades", "signals", "fills", "ledger", "equity", "events", "metrics", "notes"]


def ask(words: list[str], env: dict[str, str], *, is_terminal: bool = False, stdin: str = "") -> Result:
    return run(words, env, stdin, clock=NEXT_DAY, is_terminal=is_terminal)


def stored_with(text: str, folder: Path) -> dict[str, str]:
    """Make books in which a text stands wherever a text may stand: past the doors, as a later bug might let it."""
    label = text.strip()[:60].replace(";", ",").strip() or "x"

    def write(writer: Writer) -> None:
        account = founded(writer)
        source = text.replace(":", "_")[:128]
        entered(writer, a_signal(text[:128], source=source, reason=text, tags=(label,)))
        waiting = a_limit("waiting", source=source, reason=text, tags=(label,))
        signal_id, number = stored_signal(writer, waiting), writer.next_trade_id()
        order = an_order(signal_id, waiting)
        record(writer, TradePlaced(trade_id=number, order=order, reserve=order.quantity, fee=order.quantity))
        note = NoteAdded(
            note_id=writer.next_note_id(), account_id=account, text=text, trade_id=1, symbol="BTCUSDT", tags=(label,)
        )
        writer.record([Recorded(note, START_MS)])

    return stored(folder, write)


@pytest.fixture(params=list(TEXTS.values()), ids=list(TEXTS), scope="module")
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    text: str = request.param
    return stored_with(text, tmp_path_factory.mktemp("hostile"))


def test_f36_nothing_acts_on_a_terminal_or_in_a_pipe(books: dict[str, str]) -> None:
    for words in SHOWS:
        for is_terminal in (False, True):
            done = ask(words, books, is_terminal=is_terminal)
            assert (done.code, words) == (0, words)
            assert ACTING.search(done.out + done.err) is None, words
    for words in [*(["export", what] for what in EXPORTS), ["trades", "--csv"], ["signal", "list", "--csv"]]:
        done = ask(words, books, is_terminal=True)
        assert ACTING.search((done.out + done.err).replace("\r\n", "\n")) is None, words


def test_json_is_one_line_of_ascii(books: dict[str, str]) -> None:
    for words in [*SHOWS, *(["export", what] for what in EXPORTS)]:
        done = ask([*words, "--json"], books)
        assert done.envelope["success"] is True
        assert done.out.isascii()
        assert ACTING.search(done.out) is None


def test_no_cell_of_a_csv_is_a_formula(books: dict[str, str]) -> None:
    for words in [*(["export", what] for what in EXPORTS), *([*words, "--csv"] for words in LISTS)]:
        done = ask(words, books)
        assert (done.code, words) == (0, words)
        for row in csv.reader(io.StringIO(done.out, newline=""), strict=True):
            for cell in row:
                assert FORMULA.match(cell) is None or cell.startswith("'") or NUMBER.fullmatch(cell), (words, cell)


def test_ndjson_is_one_object_a_line_and_the_text_is_whole(books: dict[str, str]) -> None:
    lines = ask(["export", "notes", "--format", "ndjson"], books).out.splitlines()
    (note,) = [json.loads(line) for line in lines]
    assert note["text"] in TEXTS.values()


def test_signals_leave_and_come_back(books: dict[str, str], tmp_path: Path) -> None:
    text = ask(["export", "signals"], books).out
    fresh = {**books, "PAPERTRADE_DB": str(tmp_path / "fresh.db")}
    done = ask(["signal", "import", "-", "--json"], fresh, stdin=text)
    assert done.code in (0, 4)
    assert ask(["check", "-q"], fresh).code == 0


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_doors_take_or_refuse_it_in_words(tmp_path: Path, text: str) -> None:
    env = stored(tmp_path)
    doors = [
        ["note", "--", text],
        ["note", "1", "x", f"--tag={text}"],
        ["tag", "1", f"+{text}"],
        ["signal", "add", "BTCUSDT", "long", f"--reason={text}"],
        ["signal", "add", "BTCUSDT", "long", f"--tag={text}", f"--id={text}", f"--source={text}"],
        ["signal", "add", "--", text, "long"],
        ["signal", "add", "BTCUSDT", "long", f"--sl={text}"],
        ["account", "create", "--", text],
        ["trades", f"--symbol={text}"],
        ["trades", f"--tag={text}", f"--source={text}"],
        ["trades", f"--status={text}"],
        ["export", "trades", f"--since={text}"],
        ["show", "--", text],
        ["config", "set", "--", text, text],
        ["--account", text, "trades"],
    ]
    for words in doors:
        done = ask(words, env)
        assert done.code in (0, 2, 3, 5, 6), words
        assert ACTING.search(done.out + done.err) is None, words
        told = ask(["--json", *words], env)
        assert told.envelope["success"] is (told.code == 0)
        assert told.out.isascii()
    for words in SHOWS:
        assert ACTING.search(ask(words, env).out) is None, words
    assert ask(["check", "-q"], env).code == 0


ROWS = {
    "surrogate": ('[{"symbol": "BTCUSDT", "side": "long", "reason": "\\ud800"}]', "a.json"),
    "nul": ('[{"symbol": "BTCUSDT", "side": "long", "reason": "\\u0000"}]', "a.json"),
    "deep": ("[" * 100_000, "a.json"),
    "two_keys": ('[{"symbol": "BTCUSDT", "symbol": "ETHUSDT", "side": "long"}]', "a.json"),
    "nan": ('[{"symbol": "BTCUSDT", "side": "long", "stop_loss": NaN}]', "a.json"),
    "huge_number": ('[{"symbol": "BTCUSDT", "side": "long", "stop_loss": 1e999999}]', "a.json"),
    "many_digits": ('[{"symbol": "BTCUSDT", "side": "long", "stop_loss": ' + "9" * 5_000 + "}]", "a.json"),
    "escapes": ("symbol,side\n\x1b[2J,long\n", "a.csv"),
    "nul_bytes": ("symbol,side\nBTC\x00USDT,long\n", "a.csv"),
    "open_quote": ('symbol,side\n"BTCUSDT,long\n', "a.csv"),
    "long_field": ("symbol,side\n" + "x" * 200_000 + ",long\n", "a.csv"),
    "hostile_header": ("symbol,side,\x1b[31m=x\nBTCUSDT,long,1\n", "a.csv"),
    "alias": ("- &a {symbol: BTCUSDT, side: long}\n- *a\n", "a.yaml"),
    "object": ("!!python/object/apply:os.system ['true']\n", "a.yaml"),
}


@pytest.mark.parametrize(("text", "name"), ROWS.values(), ids=ROWS)
def test_a_hostile_file_is_refused_whole(tmp_path: Path, text: str, name: str) -> None:
    env = stored(tmp_path)
    before = Path(env["PAPERTRADE_DB"]).read_bytes()
    (tmp_path / name).write_text(text, encoding="utf-8")
    done = ask(["signal", "import", str(tmp_path / name)], env)
    assert (done.code, done.out) == (4, "")
    assert ACTING.search(done.err) is None
    assert done.err.startswith("error: ")
    told = ask(["signal", "import", str(tmp_path / name), "--json"], env)
    assert told.error["code"] == "bad_input_file"
    assert Path(env["PAPERTRADE_DB"]).read_bytes() == before


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    env = stored(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"symbol,side\n\xff\xfe,long\n")
    for place in (tmp_path / "a.csv", tmp_path, tmp_path / "none.csv"):
        assert ask(["signal", "import", str(place), "--json"], env).code == 4


CONFIGS = {
    "not_yaml": b"watch: [",
    "tab": b"watch:\n\tinterval: 60\n",
    "list": b"- a\n- b\n",
    "scalar": b"hello\n",
    "unknown": b"wacth: {interval: 60}\n",
    "doubled": b"watch: {interval: 60}\nwatch: {interval: 30}\n",
    "alias": b"a: &a [x]\nb: [*a, *a]\n",
    "bomb": b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
    "python": b"!!python/object/apply:os.system ['true']\n",
    "tag": b"watch: !!binary aGVsbG8=\n",
    "nan": b"costs: {taker: .nan}\n",
    "infinity": b"watch: {interval: .inf}\n",
    "yes": b"watch: {interval: yes}\n",
    "sexagesimal": b"watch: {interval: 1:30}\n",
    "underscore": b"account: {cash: 10_000}\n",
    "octal": b"account: {cash: 010}\n",
    "negative": b"account: {cash: -5}\n",
    "exponent": b"account: {cash: 1e5}\n",
    "section_as_value": b"watch: 60\n",
    "value_as_section": b"watch: {interval: {seconds: 60}}\n",
    "list_as_value": b"account: {name: [a, b]}\n",
    "markup": b"account: {name: '[/red]'}\n",
    "escape": b'account: {name: "\\x1b[2J"}\n',
    "url": b"feeds: {binance: {base_url: 'file:///etc/passwd'}}\n",
    "zone": b"display: {zone: ../../etc/passwd}\n",
    "deep": b"a: " + b"[" * 3_000 + b"]" * 3_000,
    "large": b"# " + b"x" * 300_000,
    "not_utf_8": b"account: {name: \xff\xfe}\n",
    "utf_16": "account: {name: a}\n".encode("utf-16"),
    "nul": b"account: {name: a\x00b}\n",
    "two_documents": b"watch: {interval: 60}\n---\nwatch: {interval: 30}\n",
    "merge": b"watch: {<<: {interval: 60}}\n",
    "number_key": b"1: 2\n",
    "empty_key": b"? \n: x\n",
    "list_key": b"[a]: b\n",
}


@pytest.mark.parametrize("raw", CONFIGS.values(), ids=CONFIGS)
def test_a_hostile_configuration_is_refused_in_words(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(raw)
    path.chmod(0o600)
    env = {"PAPERTRADE_CONFIG": str(path), "PAPERTRADE_DB": str(tmp_path / "books.db")}
    for words in (["config", "check"], ["config", "check", str(path)], ["trades"], ["init"], ["config", "show"]):
        done = ask(words, env)
        assert (done.code, done.out) == (3, "")
        assert str(path) in done.err
        assert ACTING.search(done.err) is None
        assert ask([*words, "--json"], env).error["code"] == "config"
    assert path.read_bytes() == raw
    assert not (tmp_path / "books.db").exists()


@pytest.mark.parametrize("value", ["", "x", "-1", "1e3", "=1", "[red]", "\x1b[2J", "\u202e1"])
def test_a_hostile_variable_is_refused_in_words(tmp_path: Path, value: str) -> None:
    env = {"PAPERTRADE_CONFIG": "", "PAPERTRADE_DB": str(tmp_path / "b.db"), "PAPERTRADE_WATCH__INTERVAL": value}
    done = ask(["config", "check"], env)
    assert done.code == (3 if value else 0)
    assert ACTING.search(done.out + done.err) is None


def test_a_hostile_name_of_a_file_is_shown_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "\x1b[2J[red]\u202e\nx"
    env = {"PAPERTRADE_CONFIG": "", "PAPERTRADE_DB": str(folder / "a.db"), "XDG_CONFIG_HOME": str(folder / "etc")}
    (tmp_path / "plain").mkdir()
    for words in (
        ["init"],
        ["check"],
        ["config", "show"],
        ["config", "set", "leverage", "2"],
        ["config", "check"],
        ["export", "notes", "-o", str(folder / "notes.csv")],
        ["export", "notes", "-o", str(folder / "notes.csv")],
        ["db", "backup", str(folder / "b.db")],
        ["db", "backup", str(folder / "b.db")],
        ["db", "backup", str(folder / "a.db")],
        ["db", "migrate"],
        ["check", "--rebuild"],
        ["signal", "import", str(folder / "none.csv")],
        ["--db", str(folder), "trades"],
        ["--config", str(folder / "none.yaml"), "trades"],
        ["doctor"],
    ):
        done = ask(words, {**env, "PAPERTRADE_FEEDS__BINANCE__BASE_URL": "http://127.0.0.1:9"})
        assert ACTING.search(done.out + done.err) is None, (words, done)
        assert done.code in (0, 3, 4, 6, 8, 12)
