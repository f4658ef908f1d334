"""A user's strategy: a Python file, loaded from its path, with the function that turns candles into signals.

The file is run as it is, with the rights of whoever runs papertrade. Running it over candles is in
`strategy_drive`. The rule to keep: whatever the user's code does wrong is told with the line of the user's file.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from papertrade.engine.signal import Signal
from papertrade.engine.values import dataclass
from papertrade.errors import StrategyError

if TYPE_CHECKING:
    from papertrade.runs.strategy_candles import Candles

StrategyFunction: TypeAlias = "Callable[[Candles], Signal | Iterable[Signal] | None]"
"""Called once after each final candle of each symbol, with all candles up to it."""

DEFAULT_NAME: Final = "strategy"
WARMUP_NAME: Final = "WARMUP"
WARMUP_MAX: Final = 100_000
_SOURCE_MAX: Final = 128
_BREAKS_A_SOURCE = re.compile(r"[^\w.\-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A strategy in the state right after loading; what its module remembers changes as it runs.

    `words` are as typed (`FILE.py[:name]`), `source` is that of its signals: the file's stem, or `stem.name` if a
    name was typed. It is not called before `warmup` candles are there. `sha256` is that of the file, in hex.
    """

    words: str
    path: Path
    name: str
    source: str
    warmup: int
    sha256: str
    function: StrategyFunction

    @property
    def label(self) -> str:
        """What people know it by."""
        return f"{self.path.name}:{self.name}"


def load_strategy(words: str) -> Strategy:
    """Run `FILE.py[:name]` anew and find its function: the one named, `strategy`, or the only public one.

    Raises StrategyError.
    """
    path, name = _split(words)
    text = _read(path)
    module = _run(path)
    found = _named(module, path, name) if name is not None else _only(module, path, words)
    function = cast("StrategyFunction", found)
    _check_parameters(function, path)
    stem = _BREAKS_A_SOURCE.sub("-", path.stem)
    source = stem if name is None else f"{stem}.{name}"
    return Strategy(
        words=words,
        path=path,
        name=getattr(found, "__name__", DEFAULT_NAME) if name is None else name,
        source=source[:_SOURCE_MAX],
        warmup=_warmup(module, path),
        sha256=hashlib.sha256(text).hexdigest(),
        function=function,
    )


@contextmanager
def users_code(path: Path, doing: Callable[[], str]) -> Iterator[None]:
    """Run the user's code: what it prints goes to stderr, what it raises becomes a StrategyError.

    `doing` says what was going on, and is asked only then.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except StrategyError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(path, error, doing()) from error


def _split(words: str) -> tuple[Path, str | None]:
    whole = Path(words)
    try:
        if whole.is_file():
            return whole, None
    except OSError:  # may not be looked at: reading it says why
        pass
    file, colon, name = words.rpartition(":")
    if colon and name.isidentifier() and file:
        return Path(file), name
    return whole, None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise StrategyError(
            f"strategy `{path}` cannot be read: {reason.lower()}",
            hint="name a Python file, with `:name` behind it if it has several functions",
            details={"path": str(path)},
        ) from error


class _AsItIsNow(SourceFileLoader):
    """Compiles the file anew: a cached one of the same second and size may be of an older text."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _run(path: Path) -> ModuleType:
    """Run the file as a module of its own; modules beside it are found, and run anew each time too."""
    folder = str(path.resolve().parent)
    name = f"_papertrade_strategy_{path.stem}"
    spec = ModuleSpec(name, _AsItIsNow(name, str(path)), origin=str(path))
    spec.has_location = True
    module = module_from_spec(spec)
    before = set(sys.modules)
    sys.modules[name] = module
    sys.path.insert(0, folder)
    try:
        with users_code(path, lambda: "loading it"):
            _AsItIsNow(name, str(path)).exec_module(module)
    except StrategyError as error:
        cause = error.__cause__
        if isinstance(cause, SyntaxError):
            raise _malformed(path, cause) from cause
        raise
    finally:
        sys.path.remove(folder)
        for other in set(sys.modules) - before - {name}:
            file = getattr(sys.modules[other], "__file__", None)
            if file is not None and Path(file).parent == Path(folder):
                del sys.modules[other]
    return module


def _named(module: ModuleType, path: Path, name: str) -> Callable[..., object]:
    found: object = getattr(module, name, None)
    if callable(found):
        return found
    raise StrategyError(f"`{path}` has no function `{name}`", hint=_choices(path, _public(module)))


def _only(module: ModuleType, path: Path, words: str) -> Callable[..., object]:
    public = _public(module)
    if DEFAULT_NAME in public:
        return public[DEFAULT_NAME]
    if len(public) == 1:
        return next(iter(public.values()))
    if not public:
        raise StrategyError(
            f"`{path}` has no function: a strategy is `def strategy(candles)`", hint="see examples/ma_cross.py"
        )
    names = ", ".join(f"`{name}`" for name in sorted(public))
    raise StrategyError(
        f"`{path}` has several functions ({names}): say which",
        hint=f"write `{words}:{min(public)}`, call one `strategy`, or begin the others with an underscore",
    )


def _public(module: ModuleType) -> dict[str, Callable[..., object]]:
    """Return the functions that the module defines itself, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and inspect.isfunction(value) and value.__module__ == module.__name__
    }


def _choices(path: Path, public: Iterable[str]) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(public))
    return f"it has {names}" if names else f"write `def strategy(candles)` into {path.name}"


def _check_parameters(function: StrategyFunction, path: Path) -> None:
    name = getattr(function, "__name__", DEFAULT_NAME)
    if inspect.iscoroutinefunction(function):
        raise StrategyError(f"`{name}` of `{path}` is async: a strategy is a plain function")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise StrategyError(
            f"`{name}` of `{path}` must take one argument, the candles", hint=f"def {name}(candles): ..."
        ) from None
    except ValueError:
        return  # a callable in C, whose parameters nobody knows


def _warmup(module: ModuleType, path: Path) -> int:
    value: object = getattr(module, WARMUP_NAME, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= WARMUP_MAX:
        raise StrategyError(f"WARMUP of `{path}` is `{value!r}`: it must be a whole number from 0 to {WARMUP_MAX}")
    return value


def _malformed(path: Path, error: SyntaxError) -> StrategyError:
    where = Path(error.filename or path).name
    return StrategyError(
        f"strategy `{path}` is not Python: {where} line {error.lineno}: {error.msg}",
        details={"path": str(path), "line": error.lineno},
    )


def _failed(path: Path, error: BaseException, doing: str) -> StrategyError:
    """Say where in the user's folder it happened: the innermost line there, not one of a library."""
    folder = path.resolve().parent
    lines = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve().parent == folder]
    where = f" at {Path(lines[-1].filename).name} line {lines[-1].lineno}" if lines else ""
    return StrategyError(
        f"strategy `{path.name}` failed{where}, {doing}: {type(error).__name__}: {error}".rstrip(": "),
        hint="run it again with -v to see the whole way there",
        details={"path": str(path), "line": lines[-1].lineno if lines else None},
    )
