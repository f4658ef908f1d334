"""Documents that cannot lie: the README session, the commands it names, the links between pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from papertrade.commands.table import BOARD, COMMANDS, Branch, entries
from tests.readme_session import README, blocks, replay

ROOT = README.parent
PAGES = sorted([README, ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


def test_the_readme_session_prints_what_readme_says() -> None:
    text = README.read_text(encoding="utf-8")
    assert len([step for _, steps in blocks(text) for step in steps]) >= 10
    assert replay(text) == text


def test_readme_names_every_command() -> None:
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z][a-z ]*?)(?: [A-Z…\-].*?)?`", text)) | set(re.findall(r"papertrade ([a-z]+)", text))
    words = {word for phrase in named for word in phrase.split()}
    missing = [name for name, entry in entries(COMMANDS) if entry.name != BOARD and not set(name.split()) <= words]
    assert missing == []


def test_every_branch_of_the_table_is_shown_with_its_parts() -> None:
    branches = [row for row in COMMANDS if isinstance(row, Branch)]
    assert [branch.name for branch in branches] == ["signal", "guards", "account", "runs", "config", "db", "notify"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_command_that_does_not_exist(page: Path) -> None:
    known = {name.split()[0] for name, _ in entries(COMMANDS)} | {"COMMAND"}
    used = set(re.findall(r"`papertrade ([a-z]+)", page.read_text(encoding="utf-8")))
    assert used <= known
