"""A hammer from a shell: `python -m tests.hammer --processes 8 --signals 2000`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.hammer.hammering import hammered
from tests.hammer.workers import Hammer


def main() -> int:
    """Run one hammer and say what it came to."""
    parser = argparse.ArgumentParser(prog="python -m tests.hammer")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--signals", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="papertrade-hammer-") as folder:
        verdict = hammered(Hammer(asked.processes, asked.signals, asked.seed), Path(folder), asked.kills)
    sys.stdout.write(f"{verdict}\n")
    for line in (*verdict.anomalies, *verdict.misbehaviour):
        sys.stdout.write(f"{line}\n")
    return 0 if verdict.is_sound and not verdict.anomalies and not verdict.misbehaviour else 1


if __name__ == "__main__":
    sys.exit(main())
