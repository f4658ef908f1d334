"""Runs seeds from a shell: `python -m tests.simulation --seed N`, or `--seeds K --start S`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from tests.simulation.simulation import scratch, simulate, told


def main() -> int:
    """Run the seeds asked for; the first that fails ends it with its story."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seed", type=int, help="replay one seed, with every check after each commit")
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--digests", action="store_true", help="print what each seed led to, to compare two runs")
    asked = parser.parse_args()
    seeds = range(asked.start, asked.start + asked.seeds) if asked.seed is None else [asked.seed]
    began = time.monotonic()
    trades = compared = failed = 0
    struck: dict[str, int] = {}
    with scratch() as folder:
        for seed in seeds:
            try:
                outcome = simulate(seed, folder, audit_every=20 if asked.seed is None else 1)
            except Exception:
                failed += 1
                traceback.print_exc()
                sys.stderr.write(f"{told(seed)}\n")
                continue
            if asked.digests:
                sys.stdout.write(f"{seed} {outcome.digest} {len(outcome.kinds)} {outcome.compared}\n")
            trades += len(outcome.lives)
            compared += outcome.compared
            for kind, times in outcome.struck.items():
                struck[kind] = struck.get(kind, 0) + times
    if asked.digests:
        return 1 if failed else 0
    faults = ", ".join(f"{kind} {times}" for kind, times in sorted(struck.items()))
    sys.stdout.write(
        f"{len(seeds)} seeds in {time.monotonic() - began:.0f} s: {failed} failed, "
        f"{trades} trades, {compared} compared with the model; faults: {faults}\n"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
