"""Runs seeds from a shell: `python -m tests.simulation --seed N`, `--seeds K --start S`, or `--planted`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter

from papertrade.engine.market import DAY_MS
from tests.simulation.planted import planted_table
from tests.simulation.simulation import scratch, simulate

_EVERY = 500
"""After how many seeds a long run says that it lives."""


def main() -> int:
    """Run the seeds asked for; each that fails tells its story."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, help="replay one seed, with every check after each commit")
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--digests", action="store_true", help="print what each seed led to, to compare two runs")
    parser.add_argument("--planted", action="store_true", help="plant each known bug and print which seed finds it")
    asked = parser.parse_args()
    if asked.planted:
        sys.stdout.write(f"{planted_table()}\n")
        return 0
    seeds = range(asked.start, asked.start + asked.seeds) if asked.seed is None else range(asked.seed, asked.seed + 1)
    return _run(seeds, 20 if asked.seed is None else 1, wants_digests=asked.digests)


def _run(seeds: range, audit_every: int, *, wants_digests: bool) -> int:
    began, trades, compared, simulated_ms = time.monotonic(), 0, 0, 0
    struck: Counter[str] = Counter()
    failed: list[int] = []
    with scratch() as folder:
        for number, seed in enumerate(seeds, start=1):
            try:
                outcome = simulate(seed, folder, audit_every=audit_every)
            except Exception:
                failed.append(seed)
                traceback.print_exc()
                continue
            if wants_digests:
                sys.stdout.write(f"{seed} {outcome.digest} {len(outcome.kinds)} {outcome.compared}\n")
            trades += len(outcome.lives)
            compared += outcome.compared
            simulated_ms += outcome.simulated_ms
            struck.update(outcome.struck)
            if number % _EVERY == 0 and not wants_digests:
                sys.stderr.write(f"{number} of {len(seeds)} seeds, {len(failed)} failed\n")
    if not wants_digests:
        faults = ", ".join(f"{kind} {times}" for kind, times in sorted(struck.items()))
        sys.stdout.write(
            f"{len(seeds)} seeds, {simulated_ms / DAY_MS:.1f} simulated days in {time.monotonic() - began:.0f} s: "
            f"{len(failed)} failed{' ' if failed else ''}{', '.join(map(str, failed))}; "
            f"{trades} trades, {compared} compared with the model; {struck.total()} faults: {faults}\n"
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
