"""The texts that come from the table of settings: the commented example file and the reference for the docs.

`papertrade init` writes the example; tests hold both files of the repository equal to what is made here.
"""

from __future__ import annotations

import textwrap
from typing import Final

from papertrade.config.samples import GUARDS_SAMPLE, PRESETS_SAMPLE, TARGETS_SAMPLE
from papertrade.config.schema import SETTINGS
from papertrade.config.setting import Setting
from papertrade.config.values import as_scalar

_WIDTH: Final = 100
_HEAD: Final = """\
# The configuration of papertrade: every setting, with its default.
#
# A line may be left out: its default holds then. Every value may also come from the environment, by its
# path in capitals with `__` between the parts (PAPERTRADE_WATCH__INTERVAL=60), and some from a flag;
# a flag beats the environment, the environment beats this file.
# `papertrade config check FILE` reads a file without using it, `papertrade config show` tells what holds and why.
"""


def render_example() -> str:
    """Return the text of `config.example.yaml`."""
    lines = [_HEAD]
    above: tuple[str, ...] = ()
    for setting in SETTINGS:
        *sections, name = setting.path.split(".")
        shared = _shared(above, tuple(sections))
        if shared == 0 and (above != () or sections):
            lines.append("")
        lines.extend(f"{'  ' * depth}{sections[depth]}:" for depth in range(shared, len(sections)))
        above = tuple(sections)
        indent = "  " * len(sections)
        lines.extend(_comment(f"{setting.about} {_sentence(setting.kind.allowed)}", indent))
        lines.append(f"{indent}{name}: {_default(setting)}")
        lines.extend(f"{indent}#   {line}" for line in setting.sample.splitlines())
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def render_reference() -> str:
    """Return the tables of settings and the samples as Markdown, for docs/configuration.md."""
    rows = [
        f"| `{s.path}` | `{_default(s)}` | {_cell(s.kind.allowed)} | {_cell(s.about)} | `{s.variable}` |"
        for s in SETTINGS
    ]
    head = ["| setting | default | allowed | what it does | variable |", "| --- | --- | --- | --- | --- |"]
    samples = (("", "guards", GUARDS_SAMPLE), ("notify", "targets", TARGETS_SAMPLE), ("", "presets", PRESETS_SAMPLE))
    blocks = [_sample_block(*sample) for sample in samples]
    return "\n".join([*head, *rows, "", *blocks])


def _sample_block(section: str, name: str, sample: str) -> str:
    top = f"{section}:\n  {name}:\n" if section else f"{name}:\n"
    indent = "    " if section else "  "
    return f"```yaml\n{top}{textwrap.indent(sample, indent)}```\n"


def _shared(above: tuple[str, ...], sections: tuple[str, ...]) -> int:
    """Return how many sections two neighbours have in common."""
    return next(
        (depth for depth, pair in enumerate(zip(above, sections, strict=False)) if pair[0] != pair[1]),
        min(len(above), len(sections)),
    )


def _default(setting: Setting[object]) -> str:
    return setting.default if setting.kind.is_tree else as_scalar(setting.default)


def _sentence(allowed: str) -> str:
    return f"{allowed[0].upper()}{allowed[1:]}."


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
