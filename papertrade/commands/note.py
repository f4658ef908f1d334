"""`note`: write something down, on a trade, a signal, a symbol, or on the day itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from papertrade.bootstrap import Books, open_books
from papertrade.commands.answer import Answer
from papertrade.commands.freshness import standpoint
from papertrade.commands.options import Confidence, Tags, invocation
from papertrade.commands.records import find_trade, number_in
from papertrade.commands.symbols import symbol_of
from papertrade.engine.messages import NoteAdded
from papertrade.engine.money import ONE, ZERO, parse_decimal
from papertrade.errors import NotFound, UsageProblem
from papertrade.render.numbers import iso_z
from papertrade.render.text import safe
from papertrade.runs.remarks import Remark, add_note
from papertrade.store.store import Reader

TEXT_MAX = 4096

NoteWords = Annotated[
    list[str],
    typer.Argument(metavar="[TRADE|SIGNAL|SYMBOL] TEXT", help="What it is about, if anything, and the text in quotes."),
]


def note(ctx: typer.Context, words: NoteWords, tag: Tags = None, confidence: Confidence = None) -> Answer:
    """Write a remark down; notes never change a number. A number means a trade, source:id a signal.

    papertrade note 7 "moved the stop because of the news"

    papertrade note scanner:42 "too late" --tag lesson

    papertrade note "slept badly, half size today" --confidence 0.3
    """
    call = invocation(ctx)
    about, text = _split(words)
    tags = tuple(dict.fromkeys(check_tag(word) for word in tag or ()))
    level = None if confidence is None else _confidence(confidence)
    with open_books(call) as books:
        with books.store.read() as reader:
            at_ms = standpoint(books, reader).now_ms
            remark = _remark(books, reader, about, text, tags, level)
        written = add_note(books.store, remark, at_ms)
    return Answer(
        data=_note_data(written, at_ms), show=lambda screen: screen.line(f"note {written.note_id} {_about(written)}")
    )


def check_tag(word: str) -> str:
    """Return a tag that can be kept. Raises UsageProblem."""
    if not 1 <= len(word) <= 64 or word != word.strip() or ";" in word:
        raise UsageProblem(f"tag `{safe(word[:64])}` must have 1 to 64 characters, no blank around it and no semicolon")
    return word


def _split(words: list[str]) -> tuple[str | None, str]:
    if len(words) > 2:
        raise UsageProblem("the text has several words without quotes", hint='papertrade note 7 "the whole text"')
    about, text = (None, words[0]) if len(words) == 1 else (words[0], words[1])
    if about is None and number_in(text) is not None:
        raise UsageProblem("the text is missing", hint=f'papertrade note {text} "the text"')
    if not text.strip() or len(text) > TEXT_MAX:
        raise UsageProblem(f"a note must have 1 to {TEXT_MAX} characters, this has {len(text)}")
    return about, text


def _remark(
    books: Books, reader: Reader, about: str | None, text: str, tags: tuple[str, ...], confidence: Decimal | None
) -> Remark:
    """Find out what a note is about: a number is a trade, `source:id` a signal that exists, the rest a symbol."""
    account_id = books.account.id
    trade_id, signal_id, symbol = None, None, None
    if about is not None and number_in(about) is not None:
        trade_id = find_trade(reader, books.account, about).id
    elif about is not None:
        source, colon, external_id = about.partition(":")
        known = reader.signal_known_as(source, external_id) if colon else None
        if known is not None:
            signal_id = known.id
        elif colon and source.lower() != books.settings.feed.value:
            raise NotFound(f"signal `{safe(about)}` does not exist", hint="papertrade signal list")
        else:
            symbol = symbol_of(about)
    return Remark(
        account_id=account_id,
        text=text,
        trade_id=trade_id,
        signal_id=signal_id,
        symbol=symbol,
        tags=tags,
        confidence=confidence,
    )


def _confidence(word: str) -> Decimal:
    try:
        value = parse_decimal(word)
    except ValueError as error:
        raise UsageProblem(f"--confidence: {error}") from None
    if not ZERO <= value <= ONE:
        raise UsageProblem(f"--confidence `{word}` must lie between 0 and 1")
    return value


def _about(written: NoteAdded) -> str:
    if written.trade_id is not None:
        return f"on trade #{written.trade_id}"
    if written.signal_id is not None:
        return f"on signal {written.signal_id}"
    return "written down" if written.symbol is None else f"on {written.symbol}"


def _note_data(written: NoteAdded, at_ms: int) -> dict[str, str | int | Decimal | list[str] | None]:
    return {
        "id": written.note_id,
        "trade_id": written.trade_id,
        "signal_id": written.signal_id,
        "symbol": written.symbol,
        "text": written.text,
        "tags": list(written.tags),
        "confidence": written.confidence,
        "at": iso_z(at_ms),
    }
