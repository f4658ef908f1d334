"""A soak from a shell: `python -m tests.soak --hours 24 --trades 10000`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.soaking import Soak, soaked


def main() -> int:
    """Soak and say what it cost."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--trades", type=int, default=10_000)
    parser.add_argument("--symbols", type=int, default=200)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="papertrade-soak-") as folder:
        cost = soaked(Soak(asked.hours, asked.trades, asked.symbols), Path(folder) / "book.db")
    sys.stdout.write(f"{cost}\n{time.monotonic() - began:.0f} s in all\n")
    return 0 if cost.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
