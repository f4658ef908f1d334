"""Which file holds whose candles: the words behind `--candles`."""

from __future__ import annotations

from pathlib import Path

import pytest

from papertrade.errors import InputFileError, PapertradeError, UsageProblem
from papertrade.feeds.candle_choice import candle_files, check_finer


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    for name in ("BTCUSDT_1m.csv", "ETHUSDT_1m.csv", "other.csv", "a=b.csv", "BTC=USDT.csv"):
        (tmp_path / "data" / name).write_text("")
    (tmp_path / "BTC=USDT.csv").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


BTC, ETH, OTHER = "data/BTCUSDT_1m.csv", "data/ETHUSDT_1m.csv", "data/other.csv"
PATTERN = "data/{symbol}_1m.csv"


@pytest.mark.parametrize(
    ("words", "symbols", "expected"),
    [
        ([f"BTCUSDT={BTC}"], ["BTCUSDT"], {"BTCUSDT": BTC}),
        ([f"btc/usdt={BTC}", f"BINANCE:ETHUSDT={ETH}"], ["ETHUSDT", "BTCUSDT"], {"ETHUSDT": ETH, "BTCUSDT": BTC}),
        ([PATTERN], ["BTCUSDT", "ETHUSDT", "BTCUSDT"], {"BTCUSDT": BTC, "ETHUSDT": ETH}),
        ([PATTERN, f"ETHUSDT={OTHER}"], ["BTCUSDT", "ETHUSDT"], {"BTCUSDT": BTC, "ETHUSDT": OTHER}),
        ([f"BTCUSDT={PATTERN}"], ["BTCUSDT"], {"BTCUSDT": BTC}),
        ([BTC], ["XYZ"], {"XYZ": BTC}),
        (["data/a=b.csv"], ["XYZ"], {"XYZ": "data/a=b.csv"}),
        (["BTC=USDT.csv"], ["XYZ"], {"XYZ": "BTC=USDT.csv"}),
        (["?=b/{symbol}", f"BTCUSDT={BTC}"], ["BTCUSDT"], {"BTCUSDT": BTC}),
        ([f"BTCUSDT={BTC}", f"ETHUSDT={ETH}"], ["ETHUSDT"], {"ETHUSDT": ETH}),
        ([f"ETHUSDT={ETH}", f"BTCUSDT={BTC}"], None, {"ETHUSDT": ETH, "BTCUSDT": BTC}),
        ([], [], {}),
        ([PATTERN], [], {}),
    ],
)
def test_each_symbol_gets_its_file(
    folder: Path, words: list[str], symbols: list[str] | None, expected: dict[str, str]
) -> None:
    assert folder.is_dir()
    assert list(candle_files(words, symbols).items()) == [(symbol, Path(path)) for symbol, path in expected.items()]


def test_the_home_folder_is_known_behind_a_sign(folder: Path) -> None:
    assert candle_files([f"BTCUSDT=~/{BTC}"], None) == {"BTCUSDT": folder / BTC}


@pytest.mark.parametrize(
    ("words", "symbols", "kind", "message", "hint"),
    [
        (
            [f"BTCUSDT={BTC}", f"btc-usdt={ETH}"],
            None,
            UsageProblem,
            f"--candles names two files for BTCUSDT: `{BTC}` and `{ETH}`",
            None,
        ),
        (["BTCUSDT="], None, UsageProblem, "--candles `BTCUSDT=` names no file", "write --candles SYMBOL=FILE"),
        ([""], ["A"], UsageProblem, "--candles `` names no file", "write --candles SYMBOL=FILE"),
        (
            [BTC],
            ["A", "B"],
            UsageProblem,
            f"--candles `{BTC}` is one file for 2 symbols: A, B",
            "write --candles SYMBOL=FILE for each, or a pattern such as --candles 'data/{symbol}_1m.csv.gz'",
        ),
        (
            [BTC, PATTERN],
            ["A"],
            UsageProblem,
            f"--candles has `{PATTERN}` and `{BTC}` without a symbol",
            "write --candles SYMBOL=FILE for each",
        ),
        (
            [BTC],
            None,
            UsageProblem,
            f"--candles `{BTC}` names no symbol",
            f"write --candles SYMBOL={BTC}",
        ),
        (
            [f"BTCUSD={BTC}", f"ETHUSDT={ETH}"],
            ["BTCUSDT"],
            UsageProblem,
            "no candles for BTCUSDT: --candles names BTCUSD, ETHUSDT",
            "add --candles BTCUSDT=FILE",
        ),
        ([], ["BTCUSDT"], UsageProblem, "no candles for BTCUSDT", "add --candles BTCUSDT=FILE"),
        (
            [PATTERN],
            ["BTCUSDT", "XRPUSDT"],
            InputFileError,
            "no candles for XRPUSDT: `data/XRPUSDT_1m.csv` is not there",
            None,
        ),
        (
            ["~nobody-of-that-name/x"],
            ["A"],
            InputFileError,
            "no candles for A: `~nobody-of-that-name/x` is not there",
            None,
        ),
        (
            ["data/{sym}_1m.csv"],
            ["A"],
            InputFileError,
            "no candles for A: `data/{sym}_1m.csv` is not there",
            "the place of the symbol in a pattern is written `{symbol}`",
        ),
        (
            ["A=data/"],
            ["A"],
            InputFileError,
            "no candles for A: `data` is a folder",
            "name its file, or a pattern such as --candles 'data/{symbol}_1m.csv.gz'",
        ),
        (
            ["A=loop"],
            ["A"],
            InputFileError,
            "no candles for A: `loop` cannot be read: too many levels of symbolic links",
            None,
        ),
        (
            [f"A={'x' * 300}"],
            ["A"],
            InputFileError,
            f"no candles for A: `{'x' * 197}...` cannot be read: file name too long",
            None,
        ),
        (["A=a\0b"], ["A"], InputFileError, "no candles for A: `a\\u{0}b` is not there", None),
        ([f"={BTC}"], None, UsageProblem, f"--candles `={BTC}` names no symbol", f"write --candles SYMBOL={BTC}"),
    ],
)
def test_words_that_say_nothing_or_too_much(
    folder: Path,
    words: list[str],
    symbols: list[str] | None,
    kind: type[PapertradeError],
    message: str,
    hint: str | None,
) -> None:
    assert folder.is_dir()
    with pytest.raises(kind) as caught:
        candle_files(words, symbols)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_another_option_is_called_by_its_name(folder: Path) -> None:
    assert folder.is_dir()
    with pytest.raises(UsageProblem, match="no candles for A"):
        candle_files([], ["A"], option="--detail")


@pytest.mark.parametrize(
    ("detail", "candles", "known"),
    [
        ([], [f"A={BTC}"], ["A"]),
        ([f"A={ETH}"], [f"A={BTC}"], ["A"]),
        ([f"B={ETH}"], [f"A={BTC}", f"b={OTHER}"], ["A"]),  # no signal is of B
        ([f"B={ETH}"], [PATTERN], ["A"]),
        ([f"A={ETH}"], [BTC], ["A"]),
        ([PATTERN], [f"A={BTC}"], ["A"]),
    ],
)
def test_finer_candles_of_symbols_that_may_be_meant(
    folder: Path, detail: list[str], candles: list[str], known: list[str]
) -> None:
    assert folder.is_dir()
    check_finer(detail, candles, known)


@pytest.mark.parametrize("candles", [[f"A={BTC}"], [BTC], []])
def test_finer_candles_of_another_symbol(folder: Path, candles: list[str]) -> None:
    assert folder.is_dir()
    with pytest.raises(UsageProblem) as caught:
        check_finer([f"A={ETH}", f"B={ETH}"], candles, ["A"])
    assert caught.value.message == "--detail names B, --candles does not"
