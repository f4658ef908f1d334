"""Loading a strategy: which function, in which state, and what is said of a file that is none."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from papertrade.errors import StrategyError
from papertrade.runs.strategy import load_strategy
from papertrade.runs.strategy_drive import signals_of
from tests.runs.strategies import closes, flat, write

EMPTY = "def strategy(candles):\n    return None\n"


def refusal(words: str) -> StrategyError:
    with pytest.raises(StrategyError) as caught:
        load_strategy(words)
    return caught.value


def test_the_only_public_function_is_the_strategy(tmp_path: Path) -> None:
    text = """
        from math import sqrt
        WARMUP = 7
        def _helper(x): return sqrt(x)
        def buy_dips(candles): return None
    """
    file = write(tmp_path, text)
    loaded = load_strategy(file)
    assert (loaded.name, loaded.source, loaded.warmup, loaded.words) == ("buy_dips", "idea", 7, file)
    assert loaded.label == "idea.py:buy_dips"
    assert loaded.sha256 == hashlib.sha256(Path(file).read_bytes()).hexdigest()


def test_a_function_called_strategy_goes_before_others(tmp_path: Path) -> None:
    file = write(tmp_path, "def mean(x): return x\ndef strategy(candles): return None\n")
    assert load_strategy(file).name == "strategy"
    assert load_strategy(file).source == "idea"


def test_a_named_function_signs_with_its_name(tmp_path: Path) -> None:
    file = write(tmp_path, "def fast(candles): return None\ndef slow(candles): return None\n", "my ideas.py")
    loaded = load_strategy(f"{file}:slow")
    assert (loaded.name, loaded.source) == ("slow", "my-ideas.slow")


def test_any_callable_may_be_named(tmp_path: Path) -> None:
    text = """
        class Crossing:
            def __call__(self, candles): return None
        cross = Crossing()
    """
    assert load_strategy(write(tmp_path, text) + ":cross").name == "cross"
    assert load_strategy(write(tmp_path, "from builtins import iter as quick\n") + ":quick").name == "quick"


def test_modules_beside_the_file_are_found_and_run_anew(tmp_path: Path) -> None:
    write(tmp_path, "count = [0]\n", "counters_beside.py")
    text = """
        import counters_beside
        def strategy(candles):
            counters_beside.count[0] += 1
            return candles.signal("long", reason=str(counters_beside.count[0])) if len(candles) == 2 else None
    """
    file = write(tmp_path, text)
    runs = [signals_of(load_strategy(file), {"AAAUSDT": flat(3)}) for _ in range(2)]
    assert [signal.reason for run in runs for signal in run] == ["2", "2"]
    assert "counters_beside" not in sys.modules
    assert str(tmp_path) not in sys.path


def test_the_file_is_read_anew_however_soon_it_changed(tmp_path: Path) -> None:
    file = write(tmp_path, "WARMUP = 1\n" + EMPTY)
    assert load_strategy(file).warmup == 1
    write(tmp_path, "WARMUP = 2\n" + EMPTY)
    assert load_strategy(file).warmup == 2
    assert not (tmp_path / "__pycache__").exists()


def test_what_a_strategy_prints_is_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "print('loading')\ndef strategy(candles):\n    print('called')\n")
    signals_of(load_strategy(file), {"AAAUSDT": flat(1)})
    out, err = capsys.readouterr()
    assert (out, err) == ("", "loading\ncalled\n")


def test_dataclasses_work_in_a_strategy(tmp_path: Path) -> None:
    text = """
        from __future__ import annotations
        from dataclasses import dataclass
        @dataclass(slots=True)
        class State:
            seen: int = 0
        STATE = State()
        def strategy(candles):
            STATE.seen += 1
    """
    file = write(tmp_path, text)
    assert signals_of(load_strategy(file), {"AAAUSDT": closes([10_000, 10_100])}) == ()


def test_no_such_file(tmp_path: Path) -> None:
    error = refusal(str(tmp_path / "none.py"))
    assert error.message == f"strategy `{tmp_path}/none.py` cannot be read: no such file or directory"
    assert (error.error_code, error.exit_code) == ("strategy_failed", 4)
    assert refusal(f"{tmp_path}/none.py:name").message.startswith(f"strategy `{tmp_path}/none.py` cannot be read")
    assert "is a directory" in refusal(str(tmp_path)).message


@pytest.mark.parametrize("name", ["x" * 300 + ".py", "x" * 300 + ".py:name", "a\0b.py"])
def test_a_path_that_cannot_be_looked_at(tmp_path: Path, name: str) -> None:
    assert "cannot be read: " in refusal(f"{tmp_path}/{name}").message


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "x = 1\ndef strategy(candles:\n    pass\n")
    error = refusal(file)
    assert error.message == f"strategy `{file}` is not Python: idea.py line 2: '(' was never closed"
    assert error.details["line"] == 2
    broken = tmp_path / "bytes.py"
    broken.write_bytes(b"x = '\xff'\n")
    assert "is not Python" in refusal(str(broken)).message


def test_an_import_that_raises_is_told_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "x = 1\nimport no_such_module_anywhere\n")
    said = "strategy `idea.py` failed at idea.py line 2, loading it: ModuleNotFoundError: "
    assert refusal(file).message == said + "No module named 'no_such_module_anywhere'"
    file = write(tmp_path, "import sys\nsys.exit(3)\n")
    assert refusal(file).message == "strategy `idea.py` failed at idea.py line 2, loading it: SystemExit: 3"


def test_a_file_without_a_function(tmp_path: Path) -> None:
    file = write(tmp_path, "from math import sqrt\nclass A: pass\n")
    assert refusal(file).message == f"`{file}` has no function: a strategy is `def strategy(candles)`"
    error = refusal(f"{file}:go")
    assert error.message == f"`{file}` has no function `go`"
    assert error.hint == "write `def strategy(candles)` into idea.py"


def test_several_functions_are_named(tmp_path: Path) -> None:
    file = write(tmp_path, "def slow(c): pass\ndef fast(c): pass\n")
    error = refusal(file)
    assert error.message == f"`{file}` has several functions (`fast`, `slow`): say which"
    assert error.hint == f"write `{file}:fast`, call one `strategy`, or begin the others with an underscore"
    assert refusal(f"{file}:medium").hint == "it has `fast`, `slow`"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def strategy(): pass", "must take one argument, the candles"),
        ("def strategy(candles, account): pass", "must take one argument, the candles"),
        ("async def strategy(candles): pass", "is async: a strategy is a plain function"),
        (f"WARMUP = -1\n{EMPTY}", "is `-1`: it must be a whole number from 0 to 100000"),
        (f"WARMUP = 2.5\n{EMPTY}", "is `2.5`: it must be a whole number"),
        (f"WARMUP = True\n{EMPTY}", "is `True`: it must be a whole number"),
    ],
)
def test_what_is_no_strategy(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(write(tmp_path, text)).message
