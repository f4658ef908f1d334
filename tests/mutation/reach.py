"""Which test reaches which line, and how long each takes: measured once, by a run of the fast tests.

As a plugin of pytest (`-p tests.mutation.reach`) it writes down the seconds; the lines come from coverage's contexts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from coverage import CoverageData

from tests.mutation.mutants import Mutant

FOLDER: Final = Path(".mutation")
TESTS: Final = ("engine", "store", "feeds", "config", "runs", "reports", "conventions", "test_strict_yaml.py")
"""What hunts the mutants: no processes, no crashes, no simulated worlds, nothing marked slow."""

_SETTINGS: Final = "[run]\nsource = papertrade\nrelative_files = true\ndata_file = .mutation/coverage\n"
_SECONDS_MAX: Final = (15.0, 15.0, 15.0)


@dataclass
class Reach:
    """The tests of each line of each file, and the seconds of each test that passed."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)

    def hunters(self, mutant: Mutant) -> list[list[str]]:
        """Return the tests to try in stages: those in files of the module's name, those near it, the others.

        The quickest of each file come first, up to so many seconds in a stage. Lines that run at import, or that no
        test is seen to reach, are hunted by every test that reaches the file, or by all of its area.
        """
        area, _, name = mutant.path.removeprefix("papertrade/").rpartition("/")
        found = self._reaching(mutant) or {test for test in self.seconds if test.startswith(f"tests/{area}/")}
        named = {test for test in found if test.startswith(f"tests/{area}/test_{name.removesuffix('.py')}")}
        near = {test for test in found - named if test.startswith(f"tests/{area}/")}
        stages = (named, near, found - named - near)
        return [self._within(tests, seconds) for tests, seconds in zip(stages, _SECONDS_MAX, strict=True) if tests]

    def _within(self, tests: set[str], left: float) -> list[str]:
        kept = []
        for test in self._in_turns(tests):
            if self.seconds[test] <= left / 3:
                left -= self.seconds[test]
                kept.append(test)
        return kept

    def _reaching(self, mutant: Mutant) -> set[str]:
        lines = self.lines.get(mutant.path, {})
        span = () if mutant.acts_at_import else range(mutant.span[0], mutant.span[1] + 1)
        return set[str]().union(*(lines.get(line, set()) for line in span)) or set[str]().union(*lines.values())

    def _in_turns(self, tests: set[str]) -> list[str]:
        files: dict[str, list[str]] = defaultdict(list)
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            files[test.split("::")[0]].append(test)
        turns = sorted((turn, name, test) for name, of in files.items() for turn, test in enumerate(of))
        return [test for _, _, test in turns]


def measured(*, is_fresh: bool) -> Reach:
    """Return what the last measuring found; measure if there is none or a fresh one is asked for."""
    if is_fresh or not (FOLDER / "seconds.json").exists():
        _measure()
    seconds: dict[str, float] = json.loads((FOLDER / "seconds.json").read_text(encoding="utf-8"))
    data = CoverageData(str(FOLDER / "coverage"))
    data.read()
    reach = Reach(seconds)
    for name in data.measured_files():
        lines = {
            line: {c.rpartition("|")[0] for c in contexts} & seconds.keys()
            for line, contexts in data.contexts_by_lineno(name).items()
        }
        reach.lines[name] = {line: tests for line, tests in lines.items() if tests}
    return reach


def _measure() -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "coveragerc").write_text(_SETTINGS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *(f"tests/{name}" for name in TESTS), "-m", "not slow"]
    options = ["-p", "no:cacheprovider", "-p", "tests.mutation.reach", "--cov=papertrade", "--cov-context=test"]
    subprocess.run([*command, *options, "--cov-config=.mutation/coveragerc", "--cov-report="], check=False)


_seconds: Final[dict[str, float]] = defaultdict(float)
_failed: Final[set[str]] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what a test takes, and leave out what does not pass."""
    _seconds[report.nodeid] += report.duration
    if report.outcome != "passed":
        _failed.add(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write the seconds down."""
    kept = {test: seconds for test, seconds in _seconds.items() if test not in _failed}
    (FOLDER / "seconds.json").write_text(json.dumps(kept), encoding="utf-8")
