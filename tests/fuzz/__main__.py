"""Fuzzing from a shell: `python -m tests.fuzz --seconds 30`, so long for each target."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.fuzzing import fuzzed
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Fuzz every target and say what escaped."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    failed = total = 0
    for target in TARGETS:
        found = fuzzed(target, asked.seed, seconds=asked.seconds)
        total += found.executions
        failed += len(found.escapes) + len(found.slow)
        sys.stdout.write(
            f"{found.name}: {found.executions} executions, {found.refused} refused, "
            f"{len(found.escapes)} escapes, {len(found.slow)} slow\n"
        )
        for line in (*found.escapes[:5], *found.slow[:5]):
            sys.stdout.write(f"  {line}\n")
    sys.stdout.write(f"{total} executions with seed {asked.seed}, {failed} escapes\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
