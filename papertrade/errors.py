"""Every way a command can fail that is not a bug: the error tree, with code, exit code and hint.

Imports nothing from the project. The command line turns these into one line on stderr or into the
failure envelope of `--json`; anything else that reaches it is a bug and exits 1.

    PapertradeError
      UsageProblem 2        ConfigError 3         InputFileError 4      NotFound 5
      Refused 6             DuplicateTrade 7      FeedError 8           StalePrice 9
      PartialFailure 10     DatabaseBusy 11       DatabaseUnusable 12   DifferenceFound 13
      WatchRunning 14       OutputUnwritable 12   StrategyError 4
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"


class PapertradeError(Exception):
    """An expected failure: what happened, which value, and the next thing to try.

    `code` is stable and machine-readable; `details` holds the numbers behind the message as JSON
    values (decimals as strings). `data` is what was achieved all the same: exits 8, 9, 10 and 13
    print it beside the error.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        details: Mapping[str, Json] | None = None,
        data: Json = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.error_code = code if code is not None else type(self).code
        self.details: Mapping[str, Json] = details if details is not None else {}
        self.data = data


class UsageProblem(PapertradeError):
    """The words of the command line are off."""

    code = "usage"
    exit_code = 2


class ConfigError(PapertradeError):
    """The configuration file, an environment variable or a setting flag is wrong."""

    code = "config"
    exit_code = 3


class InputFileError(PapertradeError):
    """A file that the user brought has bad rows; all of them are in the message."""

    code = "bad_input_file"
    exit_code = 4


class StrategyError(PapertradeError):
    """A strategy's file cannot be loaded, or its code failed: where in the user's file, on which candle."""

    code = "strategy_failed"
    exit_code = 4


class NotFound(PapertradeError):
    """A record of ours that does not exist: trade, signal, account."""

    code = "not_found"
    exit_code = 5


class Refused(PapertradeError):
    """A rule of the engine says no; `code` names the rule."""

    code = "refused"
    exit_code = 6


class DuplicateTrade(PapertradeError):
    """The signal already has a pending or open trade in this account."""

    code = "duplicate_trade"
    exit_code = 7


class FeedError(PapertradeError):
    """The venue could not be asked, or what it answered cannot be used."""

    code = "feed"
    exit_code = 8


class UnknownSymbol(FeedError):
    """The venue does not know the symbol."""

    code = "unknown_symbol"


class StalePrice(PapertradeError):
    """The newest price is too old to act on."""

    code = "stale_price"
    exit_code = 9


class PartialFailure(PapertradeError):
    """Some items were done and some were not."""

    code = "partial"
    exit_code = 10


class DatabaseBusy(PapertradeError):
    """Another process kept the write lock for longer than we wait."""

    code = "database_busy"
    exit_code = 11


class DatabaseUnusable(PapertradeError):
    """The database cannot be used: corrupt, not ours, newer, read-only, or the disk is full."""

    code = "database_unusable"
    exit_code = 12


class OutputUnwritable(PapertradeError):
    """The file that output should go to cannot be written: a full disk, a missing folder, no permission."""

    code = "output_unwritable"
    exit_code = 12


class DifferenceFound(PapertradeError):
    """`check` or `parity` found that two things that must agree do not."""

    code = "difference"
    exit_code = 13


class WatchRunning(PapertradeError):
    """Another watch already holds this database."""

    code = "watch_running"
    exit_code = 14
