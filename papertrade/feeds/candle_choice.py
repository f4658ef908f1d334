"""Which file holds the candles of which symbol, out of the words that people write behind `--candles`.

A word is `SYMBOL=FILE`, a pattern with `{symbol}` in it, or one bare FILE where only one symbol is asked for. The
rule to keep: a symbol has one file, and what is missing is named before anything is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from papertrade.engine.instrument import normalise_symbol
from papertrade.errors import InputFileError, UsageProblem
from papertrade.feeds.bad_rows import one_line

_PLACE: Final = "{symbol}"


def candle_files(
    words: Sequence[str], symbols: Iterable[str] | None, *, option: str = "--candles"
) -> Mapping[str, Path]:
    """Return the file of each wanted symbol; with None, of each symbol that the words name.

    A file named for a symbol comes before the pattern; files of symbols that nobody wants are left out. Raises
    UsageProblem for words that say nothing or too much, InputFileError for a symbol whose file is not there.
    """
    named: dict[str, Path] = {}
    patterns: list[str] = []
    bare: list[str] = []
    for word in words:
        symbol, text = _split(word)
        if text == "":
            raise UsageProblem(f"{option} `{one_line(word)}` names no file", hint=f"write {option} SYMBOL=FILE")
        if symbol is not None:
            if symbol in named:
                raise UsageProblem(f"{option} names two files for {symbol}: `{named[symbol]}` and `{one_line(text)}`")
            named[symbol] = _path(text.replace(_PLACE, symbol))
        else:
            (patterns if _PLACE in text else bare).append(text)
    wanted = list(named) if symbols is None else list(dict.fromkeys(symbols))
    _check_words(patterns, bare, wanted if symbols is not None else None, option)
    files: dict[str, Path] = {}
    for symbol in wanted:
        texts = [*patterns, *bare]
        path = named.get(symbol, _path(texts[0].replace(_PLACE, symbol)) if texts else None)
        if path is None:
            others = f": {option} names {', '.join(sorted(named))}" if named else ""
            raise UsageProblem(f"no candles for {symbol}{others}", hint=f"add {option} {symbol}=FILE")
        if not path.is_file():
            raise InputFileError(f"no candles for {symbol}: `{one_line(str(path))}` is not there")
        files[symbol] = path
    return files


def _split(word: str) -> tuple[str | None, str]:
    """Return symbol and file of `SYMBOL=FILE`, or None and the whole word."""
    before, sign, after = word.partition("=")
    if sign == "" or _PLACE in before:
        return None, word
    try:
        symbol = normalise_symbol(before)
    except ValueError:
        return None, word
    return (None, word) if _path(word).is_file() else (symbol, after)


def _check_words(patterns: Sequence[str], bare: Sequence[str], wanted: Sequence[str] | None, option: str) -> None:
    """Check that patterns and bare files stand for something, and for one thing only."""
    unnamed = [*patterns, *bare]
    if len(unnamed) > 1:
        raise UsageProblem(
            f"{option} has `{one_line(unnamed[0])}` and `{one_line(unnamed[1])}` without a symbol",
            hint=f"write {option} SYMBOL=FILE for each",
        )
    if unnamed and wanted is None:
        raise UsageProblem(
            f"{option} `{one_line(unnamed[0])}` names no symbol", hint=f"write {option} SYMBOL={unnamed[0]}"
        )
    if bare and wanted is not None and len(wanted) > 1:
        raise UsageProblem(
            f"{option} `{one_line(bare[0])}` is one file for {len(wanted)} symbols: {', '.join(sorted(wanted))}",
            hint=f"write {option} SYMBOL=FILE for each, or a pattern such as {option} 'data/{_PLACE}_1m.csv.gz'",
        )


def _path(text: str) -> Path:
    """Return the path; `~` is the home folder, which no shell puts in behind a `=`."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)
