"""Arguments and options that several commands share, each declared once; and the way to the Invocation.

A command function annotates its parameters with these aliases. Values stay as typed by the person:
levels, sizes and moments are read by the engine and by `commands.moments`, which know how to complain.
The rule to keep: one option, one meaning, one help line in the whole program. The flags of every
command (`--account --config --db --json --no-color -q -v`) are not here: `commands.group` adds them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from papertrade.invocation import Invocation


def invocation(ctx: typer.Context) -> Invocation:
    """Return what the person asked for beside the command: flags, streams, environment, clock."""
    call: object = ctx.obj
    if not isinstance(call, Invocation):
        raise TypeError("a command was called without its invocation")
    return call


SymbolArgument: TypeAlias = Annotated[str, typer.Argument(metavar="SYMBOL", help="As the venue writes it: BTCUSDT.")]
SymbolsArgument: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="SYMBOL...", help="As the venue writes them: BTCUSDT ETHUSDT.")
]
TradeArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="TRADE", help="A number, or a symbol with exactly one live trade.")
]
OptionalTradeArgument: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[TRADE]", help="A number, or a symbol with exactly one live trade.")
]
SignalArgument: TypeAlias = Annotated[str, typer.Argument(metavar="SIGNAL", help="A number, or source:id.")]
SignalsArgument: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="[SIGNAL...]", help="Numbers, or source:id.")
]

Csv: TypeAlias = Annotated[bool, typer.Option("--csv", help="Print the list as CSV.")]
Offline: TypeAlias = Annotated[bool, typer.Option("--offline", help="Use stored marks; ask no venue.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Say what it would cost and risk; do nothing.")]
NoCatchUp: TypeAlias = Annotated[
    bool, typer.Option("--no-catch-up", help="Act without catching up first; the trade is marked unverified.")
]
OutputFile: TypeAlias = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there; - or nothing is stdout.")
]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
MaxAge: TypeAlias = Annotated[
    str | None, typer.Option("--max-age", metavar="SPAN", help="Take a stored answer that is younger: 30s.")
]

IntervalsOption: TypeAlias = Annotated[
    bool, typer.Option("--intervals", help="Add bootstrap intervals: how far luck alone could have moved it.")
]
VersusOption: TypeAlias = Annotated[
    str | None, typer.Option("--vs", metavar="SYMBOL", help="Compare with buying and holding this one.")
]

# Filters of lists and statistics.
SymbolFilter: TypeAlias = Annotated[str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol.")]
SourceFilter: TypeAlias = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="Only signals of this source.")
]
TagFilter: TypeAlias = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Only what carries this tag.")]
StatusFilter: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--status",
        metavar="STATE",
        help="pending, open, closed, cancelled, expired, rejected, live, void or all; CLOSED_SL and the like.",
    ),
]
ExitFilter: TypeAlias = Annotated[
    str | None, typer.Option("--exit", metavar="REASON", help="Only trades that ended so: stop_loss.")
]
SinceFilter: TypeAlias = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="From here on: today, 7d, 2026-11-20, 2026-11-20T10:00Z.")
]
UntilFilter: TypeAlias = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Before this moment; written like --since.")
]
SideFilter: TypeAlias = Annotated[str | None, typer.Option("--side", metavar="SIDE", help="Only long, or short.")]
EpochFilter: TypeAlias = Annotated[
    int | None,
    typer.Option("--epoch", metavar="N", min=1, help="Only this epoch; each `account reset` begins a new one."),
]
Limit: TypeAlias = Annotated[
    int, typer.Option("--limit", metavar="N", min=0, help="At most so many, the newest; 0 is all.")
]
Before: TypeAlias = Annotated[
    int | None, typer.Option("--before", metavar="N", min=1, help="Only numbers below N: the next page.")
]

# The wishes of a new trade, as the engine's levels and sizes are written.
StopLoss: TypeAlias = Annotated[
    str | None, typer.Option("--sl", metavar="LEVEL", help="Stop loss: a price 95, or a distance 2%.")
]
TakeProfits: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--tp", metavar="LEVEL[:FRACTION]", help="Take profit: 110, 4%, 2R or 110:0.5; may be repeated."),
]
Trail: TypeAlias = Annotated[
    str | None,
    typer.Option("--trail", metavar="DISTANCE[@LEVEL]", help="A stop that follows the price: 2%, 150, 1R, 2%@+4%."),
]
BreakEven: TypeAlias = Annotated[
    str | None, typer.Option("--break-even", metavar="LEVEL", help="From here on nothing is lost: 1R, 2%, 105.")
]
TimeLimit: TypeAlias = Annotated[
    str | None, typer.Option("--time-limit", metavar="TIME", help="Leave 4h after the entry, or at 2026-11-20T10:00Z.")
]
AfterFirst: TypeAlias = Annotated[
    str | None, typer.Option("--after-tp1", metavar="LEVEL", help="The stop after the first target: be, 101, 1R.")
]
LimitPrice: TypeAlias = Annotated[
    str | None, typer.Option("--limit", metavar="PRICE", help="Enter at this price or better.")
]
StopPrice: TypeAlias = Annotated[
    str | None, typer.Option("--stop", metavar="PRICE", help="Enter once the market passes this price.")
]
Size: TypeAlias = Annotated[str | None, typer.Option("--size", metavar="QUANTITY", help="Trade this quantity.")]
Quantity: TypeAlias = Annotated[str | None, typer.Option("--quantity", metavar="QUANTITY", help="This quantity.")]
Notional: TypeAlias = Annotated[
    str | None, typer.Option("--notional", metavar="AMOUNT", help="Trade for this amount of cash.")
]
Percent: TypeAlias = Annotated[
    str | None, typer.Option("--percent", metavar="X", help="Trade for X percent of the balance.")
]
Risk: TypeAlias = Annotated[
    str | None, typer.Option("--risk", metavar="X", help="Lose this much at the stop: 1% of the balance, or an amount.")
]
Expires: TypeAlias = Annotated[
    str | None, typer.Option("--expires", metavar="TIME", help="Give up entering after this: 2h, 2026-11-20T10:00Z.")
]
Leverage: TypeAlias = Annotated[
    str | None, typer.Option("--leverage", metavar="N", help="Tie up the notional divided by this, not by the setting.")
]
PresetName: TypeAlias = Annotated[
    str | None, typer.Option("--preset", metavar="NAME", help="Take exits and size from a preset of the configuration.")
]
Tags: TypeAlias = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="May be repeated.")]
Reason: TypeAlias = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept with the trade.")]
Again: TypeAlias = Annotated[
    bool, typer.Option("--again", help="Trade it although the very same was traded within the last minute.")
]
Confidence: TypeAlias = Annotated[
    str | None, typer.Option("--confidence", metavar="X", help="How sure you are, 0 to 1.")
]
SourceName: TypeAlias = Annotated[str | None, typer.Option("--source", metavar="NAME", help="Who had the idea.")]
ExternalId: TypeAlias = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="The source's own number; refuses the same idea twice.")
]
