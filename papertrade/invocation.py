"""What the person asked for beside the command itself: flags, streams, environment, clock.

One value, made by `cli.main` and handed to every command as `ctx.obj`; `bootstrap` reads it to build
the world. No decision is taken here. The rule to keep: nobody below the command line looks at
`sys` or `os.environ`; it is all in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from papertrade.engine.values import dataclass, replace
from papertrade.runs.clock import Clock

if TYPE_CHECKING:
    from papertrade.feeds.feed import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The flags that every command takes, as given at one place of the command line.

    None and False mean not given. Flags stand before the command, after it, or both.
    """

    config: Path | None = None
    db: Path | None = None
    account: str | None = None
    wants_json: bool = False
    wants_color: bool = True
    is_quiet: bool = False
    verbosity: int = 0

    def then(self, later: Flags) -> Flags:
        """Add flags given further right: a value there wins, switches add up."""
        return Flags(
            config=self.config if later.config is None else later.config,
            db=self.db if later.db is None else later.db,
            account=self.account if later.account is None else later.account,
            wants_json=self.wants_json or later.wants_json,
            wants_color=self.wants_color and later.wants_color,
            is_quiet=self.is_quiet or later.is_quiet,
            verbosity=self.verbosity + later.verbosity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of the program. `started_ms` is the wall clock when it began (UTC milliseconds).

    `feed` stands in for the configured venue: the demo's tape.
    """

    clock: Clock
    started_ms: int
    environment: Mapping[str, str]
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    flags: Flags = Flags()
    wants_csv: bool = False
    feed: Feed | None = None

    @property
    def wants_json(self) -> bool:
        """Whether stdout must carry one envelope and nothing else."""
        return self.flags.wants_json

    @property
    def is_quiet(self) -> bool:
        """Whether remarks on stderr are unwanted; errors are still told."""
        return self.flags.is_quiet

    @property
    def verbosity(self) -> int:
        """How many times `-v` was given."""
        return self.flags.verbosity

    def with_flags(self, later: Flags, *, wants_csv: bool = False) -> Invocation:
        """Add flags given further right on the command line."""
        return replace(self, flags=self.flags.then(later), wants_csv=self.wants_csv or wants_csv)
