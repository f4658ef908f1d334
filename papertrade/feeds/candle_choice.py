"""Which file holds the candles of which symbol, out of the words that people write behind `--candles`.

A word is `SYMBOL=FILE`, a pattern with `{symbol}` in it, or one bare FILE where only one symbol is asked for. The
rule to keep: a symbol has one file, and what is missing is named before anything is read.
"""

from __future__ import annotations

import stat
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
        _check_there(symbol, path, option)
        files[symbol] = path
    return files


def check_finer(detail: Sequence[str], candles: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageProblem for finer candles of a symbol that `--candles` neither names nor can stand for.

    `known` are the symbols that were found. Under a pattern any symbol may be meant.
    """
    if any(_PLACE in word for word in candles):
        return
    there = {*known, *(_split(word)[0] for word in candles)}
    for word in detail:
        symbol = _split(word)[0]
        if symbol is not None and symbol not in there:
            raise UsageProblem(
                f"--detail names {symbol}, --candles does not", hint=f"add --candles {symbol}=FILE, or leave it out"
            )


def _split(word: str) -> tuple[str | None, str]:
    """Return symbol and file of `SYMBOL=FILE`, or None and the whole word."""
    before, sign, after = word.partition("=")
    if sign == "" or _PLACE in before:
        return None, word
    try:
        symbol = normalise_symbol(before)
    except ValueError:
        return None, word
    return (None, word) if _is_file(_path(word)) else (symbol, after)


def _check_there(symbol: str, path: Path, option: str) -> None:
    """Raise InputFileError for what is no file, or what cannot be looked at."""
    shown = one_line(str(path))
    try:
        kind = _kind(path)
        if kind is not None and kind != stat.S_IFDIR:
            return  # a pipe or the like: the reader says what it thinks of it
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputFileError(f"no candles for {symbol}: `{shown}` cannot be read: {reason}") from None
    if kind is None:
        hint = f"the place of the symbol in a pattern is written `{_PLACE}`" if "{" in str(path) else None
        raise InputFileError(f"no candles for {symbol}: `{shown}` is not there", hint=hint)
    raise InputFileError(
        f"no candles for {symbol}: `{shown}` is a folder",
        hint=f"name its file, or a pattern such as {option} '{shown.rstrip('/')}/{_PLACE}_1m.csv.gz'",
    )


def _is_file(path: Path) -> bool:
    try:
        return _kind(path) == stat.S_IFREG
    except OSError:
        return False


def _kind(path: Path) -> int | None:
    """Return the file type of `stat`, or None where nothing is. Raises OSError for what cannot be looked at."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


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
            f"{option} `{one_line(unnamed[0])}` names no symbol",
            hint=f"write {option} SYMBOL={one_line(unnamed[0]).removeprefix('=')}",
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
