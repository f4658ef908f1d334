"""The wishes of a new trade: from the words of the command line to a Signal, or to a change of exits.

The words go through the same reader as the rows of a signal file, so that `--sl 2%` and a cell `2%` can never
mean two things. The rule to keep: every wrong word is named with its option, all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from papertrade.config.settings import Preset, Settings
from papertrade.engine.changes import ExitChange
from papertrade.engine.guards import NO_GUARDS, GuardRules
from papertrade.engine.instants import LAST_MS
from papertrade.engine.money import ONE
from papertrade.engine.signal import (
    Defaults,
    ExitWish,
    Level,
    LevelKind,
    Signal,
    Size,
    parse_break_even,
    parse_level,
    parse_size,
    parse_target,
    parse_time_limit,
    parse_trail,
)
from papertrade.engine.values import dataclass, replace
from papertrade.errors import UsageProblem
from papertrade.feeds.signal_defaults import filled_in
from papertrade.feeds.signal_rows import AFTER_FIRST, BadRow, signal_of, stop_cell
from papertrade.render.text import safe

W = TypeVar("W")

MANUAL: Final = "manual"
"""The source of what a person trades without naming one."""

NONE: Final = "none"
"""The word that takes an exit away."""

_OPTIONS: Final = {
    "symbol": "SYMBOL",
    "side": "--side",
    "entry": "--limit",
    "stop_loss": "--sl",
    AFTER_FIRST: "--after-tp1",
    "take_profit": "--tp",
    "break_even": "--break-even",
    "time_limit": "--time-limit",
    "id": "--id",
    "tags": "--tag",
}
_SIZES: Final = ("size", "notional", "percent", "risk")
_ANY_STOP: Final = Level(LevelKind.PERCENT, ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeWords:
    """The size options as typed; at most one size may be given. `size_option` is what `size` is called there.

    `leverage` is what an entry ties up its notional divided by, None for what the settings say.
    """

    size: str | None = None
    notional: str | None = None
    percent: str | None = None
    risk: str | None = None
    size_option: str = "--size"
    leverage: str | None = None

    def given(self) -> list[tuple[str, str]]:
        """Return the options given, with their words."""
        each = zip(_SIZES, (self.size, self.notional, self.percent, self.risk), strict=True)
        return [(name, word) for name, word in each if word is not None]

    def read(self) -> Size | None:
        """Return the size, None if none was given. Raises UsageProblem."""
        given = self.given()
        if len(given) > 1:
            raise UsageProblem(f"--{given[0][0]} and --{given[1][0]} exclude each other", hint="keep one of them")
        for name, word in given:
            try:
                return parse_size(name, word)
            except ValueError as error:
                raise UsageProblem(f"--{name}: {error}") from None
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelWords:
    """Where a trade is entered and left, as typed."""

    sl: str | None = None
    tp: Sequence[str] | None = None
    limit: str | None = None
    stop: str | None = None
    trail: str | None = None
    break_even: str | None = None
    time_limit: str | None = None
    after_tp1: str | None = None
    preset: str | None = None
    expires: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitWords:
    """New exits of a live trade as typed for `command`: `none` takes one away, None leaves it as it is."""

    command: str
    sl: str | None = None
    tp: Sequence[str] | None = None
    trail: str | None = None
    break_even: str | None = None
    time_limit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutWords:
    """What is said about a trade beside its numbers, as typed."""

    tags: Sequence[str] | None = None
    reason: str | None = None
    confidence: str | None = None
    source: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of a new trade as typed, for `command`; None is not given."""

    command: str
    symbol: str
    side: str
    levels: LevelWords = LevelWords()
    sizes: SizeWords = SizeWords()
    about: AboutWords = AboutWords()


def read_signal(words: Words, settings: Settings, now_ms: int, default_source: str = MANUAL) -> Signal:
    """Make the signal that the words describe, made at `now_ms` but not dated. Raises UsageProblem.

    Without an id it has `NEW_ID`; what a preset says holds where no option says otherwise.
    """
    from papertrade.runs.signals import NEW_ID

    if words.levels.limit is not None and words.levels.stop is not None:
        raise UsageProblem("--limit and --stop exclude each other", hint="keep one of them")
    _refuse_blanks(words)
    cells = _cells(words, None if words.levels.preset is None else find_preset(settings, words.levels.preset))
    try:
        signal = signal_of(cells, now_ms, default_source)
    except BadRow as bad:
        raise UsageProblem(
            "\n".join(_flaw(column, message, words) for column, message in bad.flaws),
            hint=f"papertrade {words.command} --help",
        ) from None
    return signal if words.about.external_id is not None else replace(signal, external_id=NEW_ID)


def made_at(signal: Signal, at_ms: int) -> Signal:
    """Return a signal without a time of its own as made at `at_ms`; an expiry after a while moves with it."""
    expires_ms = signal.expires_at_ms
    if expires_ms is not None and not signal.is_expiry_dated:
        expires_ms = min(expires_ms - signal.made_at_ms + at_ms, LAST_MS)
    return replace(signal, made_at_ms=at_ms, expires_at_ms=expires_ms)


def find_preset(settings: Settings, name: str) -> Preset:
    """Return a preset of the configuration. Raises UsageProblem with the names there are."""
    preset = settings.preset(name)
    if preset is None:
        names = ", ".join(p.name for p in settings.presets)
        hint = f"one of {names}" if names else "the configuration has none: papertrade config show"
        raise UsageProblem(f"--preset `{safe(name)}` does not exist", hint=hint)
    return preset


def read_exit_change(words: ExitWords) -> ExitChange:
    """Read new exits for a live trade; what is not given stays. Raises UsageProblem."""
    try:
        return _exit_change(words)
    except UsageProblem as problem:
        hint = f"papertrade {words.command} --help" if problem.hint is None else problem.hint
        raise UsageProblem(problem.message, hint=hint) from None


def read_after_first(word: str, command: str) -> Level | None:
    """Read where the stop goes once the first target is taken; None for `none`. Raises UsageProblem."""
    try:
        return None if word == NONE else parse_level(word)
    except ValueError as error:
        raise UsageProblem(f"--after-tp1: {error}", hint=f"papertrade {command} --help") from None


def _exit_change(words: ExitWords) -> ExitChange:
    targets = list(words.tp or ())
    if NONE in targets and len(targets) > 1:
        raise UsageProblem("--tp none stands alone", hint="name the targets that shall rule, and only them")
    change = ExitChange(
        stop=_wish("--sl", words.sl, parse_level),
        targets=() if targets == [NONE] else tuple(_read("--tp", word, parse_target) for word in targets),
        trail=_wish("--trail", words.trail, parse_trail),
        break_even=_wish("--break-even", words.break_even, parse_break_even),
        time_limit=_wish("--time-limit", words.time_limit, parse_time_limit),
        keeps_stop=words.sl is None,
        keeps_targets=not targets,
        keeps_trail=words.trail is None,
        keeps_break_even=words.break_even is None,
        keeps_time_limit=words.time_limit is None,
    )
    if change == ExitChange():
        raise UsageProblem("nothing to change", hint="name a level with --sl or --tp; `none` takes it away")
    # A stop that is kept is not known here; any will do to judge the words.
    stop = _ANY_STOP if change.keeps_stop else change.stop
    _agree("--tp" if targets else "--sl", partial(ExitWish, stop, change.targets))
    _agree("--trail", partial(ExitWish, stop, trail=change.trail))
    _agree("--break-even", partial(ExitWish, stop, break_even=change.break_even))
    return change


def _wish(option: str, word: str | None, parse: Callable[[str], W]) -> W | None:
    return None if word is None or word == NONE else _read(option, word, parse)


def _read(option: str, word: str, parse: Callable[[str], W]) -> W:
    try:
        return parse(word)
    except ValueError as error:
        raise UsageProblem(f"{option}: {error}") from None


def _agree(option: str, make: Callable[[], ExitWish]) -> None:
    try:
        make()
    except ValueError as error:
        raise UsageProblem(f"{option}: {error}") from None


def _cells(words: Words, preset: Preset | None) -> Sequence[tuple[str, str | tuple[str, ...]]]:
    """Return the words as cells of a signal file, with the preset's where nothing else is said."""
    entry = words.levels.limit if words.levels.limit is not None else words.levels.stop
    texts = {
        "id": words.about.external_id,
        "source": words.about.source,
        "symbol": words.symbol,
        "side": words.side,
        "entry": entry,
        "entry_type": None if entry is None else "limit" if words.levels.limit is not None else "stop",
        "stop_loss": words.levels.sl,
        "trail": words.levels.trail,
        "break_even": words.levels.break_even,
        "time_limit": words.levels.time_limit,
        "expires": words.levels.expires,
        "confidence": words.about.confidence,
        "reason": words.about.reason,
        **dict(words.sizes.given()),
    }
    if words.levels.after_tp1 is not None:
        texts["stop_loss"] = stop_cell(words.levels.sl or "", words.levels.after_tp1)
    cells: list[tuple[str, str | tuple[str, ...]]] = [(name, text) for name, text in texts.items() if text is not None]
    cells += [("take_profit", tuple(words.levels.tp or ())), ("tags", tuple(words.about.tags or ()))]
    return cells if preset is None else filled_in(cells, defaults_of(preset))


def guards_of(settings: Settings, preset: str | None) -> GuardRules:
    """Return the guards that a preset adds to those of the configuration. Raises UsageProblem."""
    return NO_GUARDS if preset is None else find_preset(settings, preset).guards


def defaults_of(preset: Preset) -> Defaults:
    """Return what a preset fills in."""
    return Defaults(exits=preset.exits, size=preset.size, expires_ms=preset.expires_ms)


def _refuse_blanks(words: Words) -> None:
    """Refuse `--sl ""`: a script whose variable was empty must not trade without a stop."""
    given = {
        "--sl": words.levels.sl,
        "--limit": words.levels.limit,
        "--stop": words.levels.stop,
        "--trail": words.levels.trail,
        "--break-even": words.levels.break_even,
        "--time-limit": words.levels.time_limit,
        "--after-tp1": words.levels.after_tp1,
        "--expires": words.levels.expires,
        "--confidence": words.about.confidence,
        "--source": words.about.source,
        "--id": words.about.external_id,
        **{f"--{name}": word for name, word in words.sizes.given()},
        **dict.fromkeys(["--tp"] if any(not word.strip() for word in words.levels.tp or ()) else [], ""),
    }
    for option, word in given.items():
        if word is not None and not word.strip():
            raise UsageProblem(f"{option} is empty", hint="give it a value or leave it out")


def _flaw(column: str | None, message: str, words: Words) -> str:
    if column is None:
        return message
    if column == "entry" and words.levels.stop is not None:
        return f"--stop: {message}"
    options = {**_OPTIONS, "size": words.sizes.size_option}
    return f"{options.get(column, f'--{column}')}: {message}"
