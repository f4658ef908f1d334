"""`init` writes what is missing, and leaves what is there."""

from __future__ import annotations

from pathlib import Path

from papertrade.config.texts import render_example
from tests.cli import run


def world(folder: Path) -> dict[str, str]:
    return {"PAPERTRADE_CONFIG": str(folder / "etc" / "c.yaml"), "PAPERTRADE_DB": str(folder / "var" / "p.db")}


def test_the_first_time_everything_is_made(tmp_path: Path) -> None:
    done = run(["init"], world(tmp_path))
    config, database = tmp_path / "etc" / "c.yaml", tmp_path / "var" / "p.db"
    assert done.code == 0
    assert done.out.splitlines() == [
        f"configuration  {config} (written)",
        f"database       {database} (created)",
        "account        main (USDT)",
        "next           papertrade demo, or papertrade long BTCUSDT --sl 2% --tp 2R",
    ]
    assert config.read_text(encoding="utf-8") == render_example()
    modes = [path.stat().st_mode & 0o777 for path in (config, database, config.parent, database.parent)]
    assert modes == [0o600, 0o600, 0o700, 0o700]
    assert run(["check", "-q"], world(tmp_path)).code == 0


def test_the_second_time_nothing_changes(tmp_path: Path) -> None:
    run(["init", "-q"], world(tmp_path))
    config = tmp_path / "etc" / "c.yaml"
    config.write_text("account: {name: mine}\n", encoding="utf-8")
    done = run(["init", "--json"], world(tmp_path))
    assert done.envelope["data"] == {
        "config": str(config),
        "config_created": False,
        "database": str(tmp_path / "var" / "p.db"),
        "database_created": False,
        "account": "main",
        "currency": "USDT",
    }
    assert config.read_text(encoding="utf-8") == "account: {name: mine}\n"
    assert "was there, left as it is" in run(["init"], world(tmp_path)).out


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "c.yaml").symlink_to(tmp_path / "elsewhere")
    assert run(["init", "--json"], world(tmp_path)).code == 3
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("a file", encoding="utf-8")
    done = run(["init", "--json"], world(tmp_path))
    assert done.code == 12
    assert done.error["code"] == "output_unwritable"
    assert str(tmp_path / "etc" / "c.yaml") in str(done.error["message"])
