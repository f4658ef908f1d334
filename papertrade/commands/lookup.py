"""What `price`, `candles` and `instruments` share: their symbols, their spans, and the exit code of partial answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from papertrade.commands.moments import span_ms
from papertrade.commands.symbols import symbol_of
from papertrade.errors import FeedError, PapertradeError, PartialFailure
from papertrade.render.json import Encodable


def symbols_in(words: Sequence[str]) -> list[str]:
    """Read symbols as people write them, each once. Raises UsageProblem."""
    return list(dict.fromkeys(symbol_of(word) for word in words))


def max_age_ms(text: str | None) -> int | None:
    """Read `--max-age`; None where it was not given. Raises UsageProblem."""
    return None if text is None else span_ms(text, "--max-age")


def failure_of(failures: Mapping[str, PapertradeError], asked: int) -> PapertradeError | None:
    """Return the error that the command ends with: a single symbol's own, exit 8 if all failed, 10 if some did."""
    errors = list(failures.values())
    if not errors:
        return None
    if asked == 1:
        return errors[0]
    named = "; ".join(error.message for error in errors)
    if len(errors) < asked:
        return PartialFailure(f"{len(errors)} of {asked} symbols failed: {named}")
    codes = {error.error_code for error in errors}
    return FeedError(f"all {asked} symbols failed: {named}", code=codes.pop() if len(codes) == 1 else None)


def failures_json(failures: Mapping[str, PapertradeError]) -> list[Encodable]:
    """Return the failures as the scripting contract writes them."""
    return [
        {"symbol": symbol, "code": error.error_code, "message": error.message} for symbol, error in failures.items()
    ]
