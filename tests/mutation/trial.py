"""The trial of one mutant: a forked pytest that imports the fault and runs the tests that reach it.

The process that forks has never imported papertrade, so even what runs at import is tried as it would be.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final, NamedTuple

import hypothesis
import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.reach import Reach

KILLED: Final = "killed"
SURVIVED: Final = "survived"
TIMED_OUT: Final = "timed out"

_WARM: Final = (
    "httpx",
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "rich.console",
    "sqlmodel",
    "tenacity",
    "typer",
    "yaml",
    "zoneinfo",
)
_MEMORY_MAX: Final = 6 << 30
_PATIENCE: Final = 10
_START_SECONDS: Final = 30.0
_QUIET: Final = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
_OPTIONS: Final = (
    "-x",
    "-q",
    "--timeout=60",
    *_QUIET,
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:pytest_cov",
)


class Tried(NamedTuple):
    """How it went with a mutant, and in how many seconds."""

    mutant: Mutant
    verdict: str
    seconds: float


def warm_up() -> None:
    """Import once what every trial needs, and nothing of papertrade; hypothesis neither shrinks nor remembers."""
    for name in _WARM:
        importlib.import_module(name)
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutation", phases=phases, database=None, derandomize=True, deadline=None)
    hypothesis.settings.load_profile("mutation")
    assert not any(name.split(".")[0] == "papertrade" for name in sys.modules)


def tried(mutants: Sequence[Mutant], reach: Reach, jobs: int) -> Iterator[Tried]:
    """Try the mutants, so many at once, and yield each as it is done."""
    waiting = list(reversed(mutants))
    running: dict[int, tuple[Mutant, BaseProcess, float, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            stages = reach.hunters(mutant)
            patience = _START_SECONDS + _PATIENCE * sum(reach.seconds[test] for stage in stages for test in stage)
            process: BaseProcess = get_context("fork").Process(target=_try, args=(mutant, stages))
            process.start()
            running[process.sentinel] = (mutant, process, time.monotonic(), patience)
        connection.wait(list(running), timeout=1.0)
        for sentinel, (mutant, process, began, patience) in list(running.items()):
            spent = time.monotonic() - began
            if process.exitcode is None and spent < patience:
                continue
            verdict = TIMED_OUT if process.exitcode is None else SURVIVED if process.exitcode == 0 else KILLED
            _end(process)
            del running[sentinel]
            yield Tried(mutant, verdict, spent)


def _end(process: BaseProcess) -> None:
    """End whatever a trial has left behind: its process leads a group of its own."""
    assert process.pid is not None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.join()


def _try(mutant: Mutant, stages: Sequence[Sequence[str]]) -> None:
    """Run in the fork: each stage in a fork of its own, as long as all passes. Ends with 0 if all did."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MAX, _MEMORY_MAX))
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    sys.meta_path.insert(0, _Planted(mutant))
    for tests in stages:
        child = os.fork()
        if child == 0:
            os._exit(_run(tests))
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
            os._exit(1)
    os._exit(0)


def _run(tests: Sequence[str]) -> int:
    if not tests:
        return 0
    files = sorted({test.split("::")[0] for test in tests})
    return int(pytest.main([*files, *_OPTIONS], plugins=[_Only(tests)]))


class _Only:
    """Keeps some of the tests that were found, in a given order but file by file."""

    def __init__(self, tests: Sequence[str]) -> None:
        files = list(dict.fromkeys(test.split("::")[0] for test in tests))
        self._place = {test: (files.index(test.split("::")[0]), place) for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out and sort; a mutant under which a test is not even found is killed."""
        items[:] = [item for item in items if item.nodeid in self._place]
        if len(items) < len(self._place):
            pytest.exit("tests are missing", returncode=1)
        items.sort(key=lambda item: self._place[item.nodeid])


class _Planted(MetaPathFinder):
    """Finds the mutated module before the real one is found."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = mutant.path.removesuffix(".py").replace("/", ".")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module with the fault, None for every other."""
        if fullname != self._name:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        spec.loader = _Loader(self._mutant)
        return spec


class _Loader(SourceFileLoader):
    """Compiles the mutated source, never the cached one."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.path.removesuffix(".py").replace("/", "."), str(Path(mutant.path).resolve()))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        """Return the code with the fault in it."""
        source = Path(self._mutant.path).read_bytes()
        return compile(self._mutant.applied(source), self.path, "exec", dont_inherit=True)
