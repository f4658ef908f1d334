"""A mutation run from a shell: `python -m tests.mutation --sample 100 --seed 1`, so many mutants of a package."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Final

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.reach import measured
from tests.mutation.trial import KILLED, SURVIVED, TIMED_OUT, Tried, tried, warm_up

_MONEY: Final = ("papertrade/engine/money.py",)
PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    "money": _MONEY,
    "engine": ("papertrade/engine/*.py",),
    "store": ("papertrade/store/*.py",),
    "parsers": (
        "papertrade/feeds/answer.py", "papertrade/feeds/bad_rows.py", "papertrade/feeds/binance_answers.py",
        "papertrade/feeds/candle_*.py", "papertrade/feeds/file_bytes.py", "papertrade/feeds/instrument_files.py",
        "papertrade/feeds/signal_*.py", "papertrade/feeds/stay_away.py", "papertrade/feeds/tape_file.py",
        "papertrade/strict_yaml.py", "papertrade/text_nodes.py", "papertrade/formula_cells.py",
    ),
}  # fmt: skip
"""What is mutated: each file belongs to the first package that names it."""


def packages() -> dict[str, list[Mutant]]:
    """Return every mutant of each package, in the order of files and lines."""
    found: dict[str, list[Mutant]] = {}
    taken: set[Path] = set()
    for name, patterns in PACKAGES.items():
        files = sorted({path for pattern in patterns for path in Path().glob(pattern)} - taken)
        taken.update(files)
        found[name] = [mutant for path in files for mutant in mutants_of(path.as_posix(), path.read_bytes())]
    return found


def drawn(mutants: list[Mutant], sample: int | None, seed: int) -> list[Mutant]:
    """Return a random sample, the same for the same seed; a larger one begins with the smaller."""
    mixed = list(mutants)
    random.Random(seed).shuffle(mixed)
    return mixed[:sample]


def untouched(mutant: Mutant) -> Mutant:
    """Return a fault that is none in the same file: its trial tells whether the tests pass at all."""
    return replace(mutant, start=0, end=0, text="", acts_at_import=True)


def interval(killed: int, of: int) -> tuple[float, float]:
    """Return the bounds of 95 % confidence of a share, after Wilson."""
    z, share = 1.96, killed / of
    centre, wide = share + z * z / (2 * of), z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return (centre - wide) / (1 + z * z / of), (centre + wide) / (1 + z * z / of)


def table(all_mutants: dict[str, list[Mutant]], trials: dict[str, list[Tried]]) -> Iterable[str]:
    """Yield a line for each package: what was tried, what became of it."""
    yield f"{'package':<10}{'mutants':>9}{'tried':>7}{'killed':>8}{'survived':>10}{'timed out':>11}{'share killed':>22}"
    for name, done in trials.items():
        count = {verdict: sum(one.verdict == verdict for one in done) for verdict in (KILLED, SURVIVED, TIMED_OUT)}
        gone, of = count[KILLED] + count[TIMED_OUT], len(done)
        low, high = interval(gone, of) if of else (0.0, 1.0)
        share = f"{gone / of if of else 0:.1%} ({low:.0%} to {high:.0%})"
        numbers = f"{count[KILLED]:>8}{count[SURVIVED]:>10}{count[TIMED_OUT]:>11}{share:>22}"
        yield f"{name:<10}{len(all_mutants[name]):>9}{of:>7}{numbers}"


def say(*lines: str) -> None:
    """Write lines at once: a run takes long, and who waits wants to see."""
    sys.stdout.write("\n".join((*lines, "")))
    sys.stdout.flush()


def main() -> int:
    """Try a sample of each package, and say how many were killed and which were not."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--sample", type=int, help="at most so many mutants of each package; without it all, for hours")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--skip", type=int, default=0, help="go on after so many of each sample")
    parser.add_argument("--package", action="append", choices=list(PACKAGES))
    parser.add_argument("--file", help="only mutants of the files whose path ends so")
    parser.add_argument("--line", type=int, action="append", help="only mutants of this line")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="measure again which test reaches which line")
    asked = parser.parse_args()
    reach = measured(is_fresh=asked.fresh)
    warm_up()
    found = {name: mutants for name, mutants in packages().items() if name in (asked.package or PACKAGES)}
    if asked.file is not None:
        found = {name: [m for m in mutants if m.path.endswith(asked.file)] for name, mutants in found.items()}
    if asked.line is not None:
        found = {name: [m for m in mutants if m.line in asked.line] for name, mutants in found.items()}
    for one in tried([untouched(mutants[0]) for mutants in found.values() if mutants], reach, asked.jobs):
        if one.verdict != SURVIVED:
            say(f"the tests of {one.mutant.path} fail without any fault: run again with --fresh")
            return 2
    trials: dict[str, list[Tried]] = {name: [] for name in found}
    for name, mutants in found.items():
        for one in tried(drawn(mutants, asked.sample, asked.seed)[asked.skip :], reach, asked.jobs):
            trials[name].append(one)
            say(f"{name} {len(trials[name])}: {one.verdict} in {one.seconds:.0f} s {one.mutant.path}:{one.mutant.line}")
    for one in (one for done in trials.values() for one in done if one.verdict == SURVIVED):
        say("\n" + one.mutant.diff(Path(one.mutant.path).read_bytes()))
    say("", *table(found, trials))
    return 0


if __name__ == "__main__":
    sys.exit(main())
