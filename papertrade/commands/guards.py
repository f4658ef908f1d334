"""`guards`: what holds new trades back, what it did, and the account's figures beside it. Never asks the venue."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, TypeAlias

import typer

from papertrade.bootstrap import Books, open_books, rules_of
from papertrade.commands.answer import Answer
from papertrade.commands.freshness import lag_of, say_lag, standpoint
from papertrade.commands.moments import moment_ms
from papertrade.commands.options import Csv, Limit, SinceFilter, UntilFilter, invocation
from papertrade.config.values import nearest
from papertrade.engine.limits import GuardName
from papertrade.errors import UsageProblem
from papertrade.render.guard_lines import act_json, reset_text
from papertrade.render.guards import (
    GuardsNow,
    acts_sheet,
    guards_json,
    show_acts,
    show_guards,
    show_snapshots,
    snapshot_json,
    snapshots_sheet,
)
from papertrade.render.json import listing
from papertrade.render.numbers import iso_z
from papertrade.render.text import safe
from papertrade.runs.guard_states import cap_states, guard_states, reset_guards, snapshots_of
from papertrade.runs.guarding import REMEMBERING, Guarded, recorded_acts
from papertrade.runs.reporting import Standpoint
from papertrade.store.store import Reader, Writer

_RECENT: Final = 5

GuardNames: TypeAlias = Annotated[
    list[str] | None, typer.Argument(metavar="[GUARD...]", help="drawdown, cooldown, lockout; nothing is all three.")
]
ResetReason: TypeAlias = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the journal.")]


def show(ctx: typer.Context) -> Answer:
    """Show how each guard and cap stands now, with its numbers, and the last adjustments.

    `armed` guards let orders pass; `halting`, `shrinking` and `warning` ones act on the next order to open.

    papertrade guards
    """
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)
            guarded = _guarded(books, reader, now)
            acts = tuple(recorded_acts(reader, books.account))
            shown = GuardsNow(
                account=books.account.name,
                currency=books.account.currency,
                stands=guard_states(guarded),
                caps=cap_states(guarded, books.settings.caps),
                figures=guarded.figures(),
                recent=acts[-_RECENT:],
                total=len(acts),
                at_ms=now.now_ms,
            )
            lag = lag_of(books, reader, now)
        say_lag(books, lag, now)
    return Answer(data=guards_json(shown), show=partial(show_guards, shown, now.zone))


def history(ctx: typer.Context, since: SinceFilter = None, limit: Limit = 50, csv: Csv = False) -> Answer:  # noqa: ARG001 read by the shell
    """List what guards and caps did, oldest first, each with the numbers that caused it.

    papertrade guards history --since 7d
    """
    with open_books(invocation(ctx)) as books, books.store.read() as reader:
        now = standpoint(books, reader)
        since_ms = None if since is None else moment_ms(since, "--since", now.now_ms, now.zone)
        found = [act for act in recorded_acts(reader, books.account) if since_ms is None or act.at_ms >= since_ms]
    acts = found if limit == 0 else found[-limit:]
    return Answer(
        data=listing([act_json(act) for act in acts], len(found)),
        show=partial(show_acts, acts, now.zone),
        sheet=acts_sheet(acts),
    )


def snapshots(
    ctx: typer.Context,
    since: SinceFilter = None,
    until: UntilFilter = None,
    limit: Limit = 50,
    csv: Csv = False,  # noqa: ARG001 read by the shell
) -> Answer:
    """List the account's figures at the end of each day of the display zone, and at each adjustment.

    papertrade guards snapshots --since 30d
    """
    with open_books(invocation(ctx)) as books, books.store.read() as reader:
        now = standpoint(books, reader)
        first_ms = 0 if since is None else moment_ms(since, "--since", now.now_ms, now.zone)
        end_ms = now.now_ms + 1 if until is None else moment_ms(until, "--until", now.now_ms, now.zone)
        every = snapshots_of(reader, books.account, now.now_ms, now.zone)
    found = [one for one in every if first_ms <= one.at_ms < end_ms]
    shown = found if limit == 0 else found[-limit:]
    return Answer(
        data=listing([snapshot_json(one) for one in shown], len(found)),
        show=partial(show_snapshots, shown, now.zone),
        sheet=snapshots_sheet(shown),
    )


def reset(ctx: typer.Context, guards: GuardNames = None, reason: ResetReason = "") -> Answer:
    """Let guards forget: a drawdown's peak begins anew at the equity of now, earlier losses count no more.

    Guards that go by the present alone (hours, max_open, daily_loss) and caps have nothing to forget.

    papertrade guards reset drawdown --reason "halved my sizes"
    """
    names = _names(guards or [])
    with open_books(invocation(ctx)) as books:
        with books.store.read() as reader:
            now = standpoint(books, reader)

        def write(writer: Writer) -> str:
            event = reset_guards(writer, _guarded(books, writer, now), names, reason)
            return reset_text(event)

        said = books.store.write(write)
    data = {"guards": list(names), "at": iso_z(now.now_ms), "reason": reason or None}
    return Answer(data=data, show=lambda screen: screen.line(safe(said)))


def _guarded(books: Books, reader: Reader, now: Standpoint) -> Guarded:
    rules = rules_of(books.settings)
    return Guarded(reader=reader, account=books.account, rules=rules.guards, zone=now.zone, at_ms=now.now_ms)


def _names(words: list[str]) -> tuple[GuardName, ...]:
    """Read the guards to reset; none named are all that remember. Raises UsageProblem."""
    known = {str(name): name for name in REMEMBERING}
    for word in words:
        if word in known:
            continue
        if word in {str(name) for name in GuardName}:
            raise UsageProblem(f"`{word}` remembers nothing that could be reset", hint=f"one of {', '.join(known)}")
        meant = nearest(word, known)
        hint = f"one of {', '.join(known)}" if meant is None else f"did you mean `{meant}`?"
        raise UsageProblem(f"there is no guard `{safe(word)}`", hint=hint)
    return tuple(known[word] for word in dict.fromkeys(words)) if words else REMEMBERING
