"""The command tree, made from the table: lazy commands, groups, and the flags that all of them share.

A command's module is imported when its context is made, so help and completion never load one. The
rule to keep: the shared flags are declared once (`_everywhere`), taken out of the parser's answer and
put into the `Invocation` by `_take_flags`; no command function sees them as parameters.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from papertrade.commands.answer import Answer, deliver
from papertrade.commands.options import invocation
from papertrade.commands.table import BOARD, Branch, Entry, Panel, Table
from papertrade.commands.usage import missing_command, unknown_command
from papertrade.errors import UsageProblem
from papertrade.invocation import Flags, Invocation

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter, Parameter

PROGRAM = "papertrade"
_EVERYWHERE = "Everywhere"
_PREFIX = "everywhere_"
_SETTINGS = {"max_content_width": 100, "help_option_names": ["--help", "-h"]}
_OWN_SHORT_FLAGS = re.compile(r"-[hqv]+", re.ASCII)


class Command(TyperCommand):
    """A command of the program: takes the shared flags, delivers the answer of its function."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse the words after the command."""
        if ctx.command.context_settings.get("ignore_unknown_options", False):
            args = _shielded(args)
        params = self.get_params(ctx)
        _only_given(params if ctx.resilient_parsing else [param for param in params if not param.required])
        with _placed(ctx):
            rest = super().parse_args(ctx, args)
        _take_flags(ctx)
        return rest

    def invoke(self, ctx: Context) -> None:
        """Run the function and print what it hands back."""
        answer: object = super().invoke(ctx)
        if isinstance(answer, Answer):
            deliver(invocation(cast("typer.Context", ctx)), answer)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write arguments and own options first, the shared flags last."""
        _write_options(self.get_params(ctx), ctx, formatter)


class LazyCommand(TyperCommand):
    """A row of the table: its name and help line are known, its module is not imported, its options are not made."""

    def __init__(self, row: Entry | Branch) -> None:
        is_hidden = isinstance(row, Entry) and row.is_hidden
        super().__init__(name=row.name, short_help=row.help, hidden=is_hidden, rich_markup_mode=None)
        self.row = row

    def make_context(
        self, info_name: str | None, args: list[str], parent: Context | None = None, **extra: object
    ) -> Context:
        """Import the command and parse its words; the context belongs to the real command."""
        real = _loaded(self.row) if isinstance(self.row, Entry) else _branch(self.row)
        return real.make_context(info_name, args, parent, **extra)


class Group(TyperGroup):
    """Commands under one word, such as `signal`."""

    table: Table = ()
    default: str | None = None

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse the flags before the next command."""
        _only_given(self.get_params(ctx))
        with _placed(ctx):
            rest = super().parse_args(ctx, args)
        _take_flags(ctx)
        return rest

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, TyperCommand | None, list[str]]:
        """Find the next command, or say which names come near."""
        if args[0] not in self.commands and not ctx.resilient_parsing:
            raise unknown_command(ctx.command_path, args[0], self.shown_names(), self.table)
        name, command, rest = super().resolve_command(ctx, args)
        return name, cast("TyperCommand | None", command), rest

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the commands, by panel if they have any, then the options."""
        self.format_commands(ctx, formatter)
        _write_options(self.get_params(ctx), ctx, formatter)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write names and help lines; the root's come in panels."""
        shown = [(name, self.commands[name]) for name in self.list_commands(ctx) if not self.commands[name].hidden]
        width = max(len(name) for name, _ in shown)
        panels = {row.name: row.panel.value for row in self.table}
        for title in [*Panel, "Commands"]:
            rows = [
                (name.ljust(width), command.short_help or "")
                for name, command in shown
                if panels.get(name, "Commands") == title
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def shown_names(self) -> list[str]:
        """Return the names that help and suggestions may mention."""
        return [name for name, command in self.commands.items() if not command.hidden]


def command_tree(table: Table) -> Group:
    """Build the whole tree; no command module is imported by it."""
    app = typer.Typer(cls=Group, rich_markup_mode=None, context_settings=dict(_SETTINGS))
    app.callback(invoke_without_command=True)(_root)
    root = cast("Group", get_command(app))
    root.name = PROGRAM
    root.table = table
    root.subcommand_metavar = "[COMMAND] [ARGS]..."
    for row in table:
        root.add_command(LazyCommand(row))
    root.params.extend(_shared_options())
    return root


def _branch(branch: Branch) -> Group:
    app = typer.Typer(cls=Group, add_completion=False, rich_markup_mode=None)
    app.callback(invoke_without_command=True, help=f"{branch.help}.", short_help=branch.help)(_without_command)
    group = cast("Group", get_command(app))
    group.name = branch.name
    group.default = branch.default
    for entry in branch.entries:
        group.add_command(LazyCommand(entry))
    group.params.extend(_shared_options())
    return group


def _without_command(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is not None:
        return
    group = cast("Group", ctx.command)
    if group.default is None:
        raise missing_command(ctx.command_path, group.shown_names())
    _run(ctx, group.default, [])


def _root(
    ctx: typer.Context,
    is_offline: Annotated[bool, typer.Option("--offline", help="Show the board without asking the venue.")] = False,
    wants_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Honest paper trading: stops that are never missed, books that balance to the last digit.

    Without a command: the board, with what happened since you last looked.
    """
    call = invocation(ctx)
    if wants_version:
        deliver(call, _version())
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        _run(ctx, BOARD, ["--offline"] if is_offline else [])
    elif is_offline:
        raise UsageProblem(
            "`--offline` stands after the command",
            hint=f"{PROGRAM} {ctx.invoked_subcommand} --offline",
        )


def _run(ctx: typer.Context, name: str, words: list[str]) -> None:
    """Run one of a group's commands in its stead."""
    below = cast("Group", ctx.command).commands[name].make_context(name, words, parent=ctx)
    with below:
        below.command.invoke(below)


def _version() -> Answer:
    from papertrade import __version__

    return Answer(data={"version": __version__}, show=lambda screen: screen.line(f"{PROGRAM} {__version__}"))


def _loaded(entry: Entry) -> TyperCommand:
    function = getattr(importlib.import_module(entry.module), entry.function)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    settings = {"ignore_unknown_options": True} if entry.signed_words else {}
    app.command(entry.name, cls=Command, short_help=entry.help, context_settings=settings)(function)
    command = cast("TyperCommand", get_command(app))
    command.params.extend(_shared_options())
    return command


def _everywhere(
    everywhere_config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Read this configuration.")
    ] = None,
    everywhere_db: Annotated[Path | None, typer.Option("--db", metavar="FILE", help="Use this database.")] = None,
    everywhere_account: Annotated[
        str | None, typer.Option("--account", metavar="NAME", help="Act on this account.")
    ] = None,
    everywhere_json: Annotated[bool, typer.Option("--json", help="Print one JSON envelope on stdout.")] = False,
    everywhere_quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Leave out remarks on stderr; errors stay.")
    ] = False,
    everywhere_verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Tell more; twice: much more.")
    ] = 0,
    everywhere_no_color: Annotated[
        bool, typer.Option("--no-color", help="Print without colour, as with NO_COLOR=1.")
    ] = False,
) -> None:
    """Declare the flags of every command; never called."""


def _shared_options() -> list[Parameter]:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(_everywhere)
    return list(get_command(app).params)


def _only_given(params: Sequence[Parameter]) -> None:
    """Read a value only if one was given, and none while completing.

    Reading imports pydantic, a third of the time of `--help` and of a completion, and makes a validator of each
    option: with thirty options that takes longer than many a command. Texts and paths need none.
    """
    for param in params:
        described = None if param.callback is not None else getattr(param, "type_descriptor", None)
        vars(param)["process_value"] = partial(_read, param.process_value, getattr(described, "annotation", None))


def _read(reader: Callable[[Context, object], object], kind: object, ctx: Context, value: object) -> object:
    is_given = value not in (None, False, 0)
    if not is_given or ctx.resilient_parsing:
        return value
    match value:
        case int() if kind is int:  # a default, or how often a flag was given
            return value
        case str() if kind is str:
            return value
        case str() if kind is Path:
            return Path(value)
        case list() | tuple() if kind == list[str] and len(value) > 0:
            return list(value)
        case _:
            return reader(ctx, value)


@contextmanager
def _placed(ctx: Context) -> Iterator[None]:
    """Tell an error of the parser which command it is about; some come without."""
    try:
        yield
    except typer.TyperException as error:
        if getattr(error, "ctx", None) is None:
            vars(error)["ctx"] = ctx
        raise


def _take_flags(ctx: Context) -> None:
    """Move the shared flags from the parser's answer to the invocation."""
    taken = {name: ctx.params.pop(name) for name in list(ctx.params) if name.startswith(_PREFIX)}
    if not isinstance(ctx.obj, Invocation) or ctx.resilient_parsing:
        return
    given = Flags(
        config=taken[f"{_PREFIX}config"],
        db=taken[f"{_PREFIX}db"],
        account=taken[f"{_PREFIX}account"],
        wants_json=taken[f"{_PREFIX}json"],
        wants_color=not taken[f"{_PREFIX}no_color"],
        is_quiet=taken[f"{_PREFIX}quiet"],
        verbosity=taken[f"{_PREFIX}verbose"],
    )
    call = ctx.obj.with_flags(given, wants_csv=ctx.params.get("csv", False) is True)
    if call.wants_csv and call.wants_json:
        raise UsageProblem("`--csv` and `--json` exclude each other", hint="leave one of them out")
    ctx.obj = call


def _shielded(args: Sequence[str]) -> list[str]:
    """Let words such as `-late` be arguments: move them behind a `--`, where nothing is an option."""
    if "--" in args:
        return list(args)
    signed = [word for word in args if re.match(r"-[^-]", word) and _OWN_SHORT_FLAGS.fullmatch(word) is None]
    if not signed:
        return list(args)
    return [*(word for word in args if word not in signed), "--", *signed]


def _write_options(params: Sequence[Parameter], ctx: Context, formatter: HelpFormatter) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], _EVERYWHERE: []}
    for param in params:
        record = param.get_help_record(ctx)
        if record is not None:
            own = "Arguments" if param.param_type_name == "argument" else "Options"
            sections[_EVERYWHERE if (param.name or "").startswith(_PREFIX) else own].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
