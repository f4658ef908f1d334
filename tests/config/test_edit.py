"""Setting one value in the user's file: everything else stays, and the file is never half written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papertrade.config.edit import edited, set_value
from papertrade.config.load import merge
from papertrade.config.schema import SETTINGS
from papertrade.config.texts import render_example
from papertrade.errors import ConfigError
from tests.config.texts import of, written

EDITS = [
    ("", "watch.interval", "60", "watch:\n  interval: 60\n"),
    ("", "leverage", "2", "leverage: 2\n"),
    (
        "# mine\nwatch:\n  # why\n  candle: 1m  # c\n",
        "watch.candle",
        "5m",
        "# mine\nwatch:\n  # why\n  candle: 5m  # c\n",
    ),
    (
        "watch:  # w\n    # why\n    candle: 1m\n",
        "watch.interval",
        "9",
        "watch:  # w\n    interval: 9\n    # why\n    candle: 1m\n",
    ),
    ("watch: {candle: 1m}  # x", "watch.interval", "9", "watch: {interval: 9, candle: 1m}  # x"),
    ("feeds: {}\n", "feeds.binance.attempts", "3", "feeds: {binance: {attempts: 3}}\n"),
    ("feeds:", "feeds.binance.attempts", "3", "feeds:\n  binance:\n    attempts: 3\n"),
    (
        "feeds: # f\nfeed: binance\n",
        "feeds.binance.attempts",
        "3",
        "feeds: # f\n  binance:\n    attempts: 3\nfeed: binance\n",
    ),
    ("watch:\n  interval:\n", "watch.interval", "9", "watch:\n  interval: 9\n"),
    ("feed: binance", "leverage", "2", "feed: binance\nleverage: 2\n"),
    ("watch:\r\n  candle: 1m\r\n", "watch.interval", "9", "watch:\r\n  interval: 9\r\n  candle: 1m\r\n"),
    ("leverage: '1' # x\n", "leverage", "2", "leverage: 2 # x\n"),
    ("leverage: 200 # broken\n", "leverage", "2", "leverage: 2 # broken\n"),
    ("same_currency: [[A, B]] # x\n", "same_currency", "[[C,D]]", "same_currency: [[C, D]] # x\n"),
    ("{leverage: 1}\n", "feed", "binance", "{feed: binance, leverage: 1}\n"),
    ("feed: binance\n", "presets", "{a: {tp: '4%'}}", "feed: binance\npresets: {a: {tp: 4%}}\n"),
    (
        "notify:\n",
        "notify.targets",
        '[{name: a, type: command, command: [x, "y: z", "", "\\x7f"]}]',
        'notify:\n  targets: [{name: a, type: command, command: [x, "y: z", "", "\\u007f"]}]\n',
    ),
]


class TestSettingAValue:
    @pytest.mark.parametrize(("before", "path", "value", "after"), EDITS)
    def test_only_the_value_changes(self, before: str, path: str, value: str, after: str) -> None:
        assert edited(before, path, value) == after
        assert of(after).settings == of(after, {}, {path: value}).settings

    @pytest.mark.parametrize(
        ("text", "path", "value", "message"),
        [
            ("", "watch.intervl", "1", "unknown setting `watch.intervl`, did you mean `watch.interval`?"),
            ("", "watch", "1", "unknown setting `watch`"),
            ("", "watch.interval", "0", "`watch.interval` is `0`, expected 1 to 3600 seconds"),
            ("", "same_currency", "[[A", "`same_currency` is not YAML"),
            ("a: [", "leverage", "2", "config.yaml:1:5: "),
            ("- a", "leverage", "2", "config.yaml:1:1: expected settings like `watch:`"),
            ("feed: binance\n...\n", "leverage", "2", "`leverage` cannot be changed in `config.yaml` without"),
            ("leverage: |\n  3\nfeed: binance\n", "leverage", "2", "`leverage` cannot be changed in `config.yaml`"),
            ("same_currency:\n  - [A, B]\n", "same_currency", "[[C, D]]", "`same_currency` cannot be changed"),
            ("watch: 5\n", "watch.interval", "2", "`watch.interval` cannot be changed"),
            ("watch: [a]\n", "watch.interval", "2", "`watch.interval` cannot be changed"),
        ],
    )
    def test_what_cannot_be_set_surely_is_refused(self, text: str, path: str, value: str, message: str) -> None:
        with pytest.raises(ConfigError) as caught:
            edited(text, path, value)
        assert caught.value.message.startswith(message)

    @given(st.sampled_from([setting for setting in SETTINGS if not setting.kind.is_tree]), st.text(max_size=12))
    def test_a_value_is_set_in_the_example_or_refused(self, setting: object, value: str) -> None:
        path = next(known.path for known in SETTINGS if known is setting)
        try:
            after = edited(render_example(), path, value)
        except ConfigError as error:
            assert path in error.message
        else:
            assert of(after).settings == merge(None, {}, {path: value}).settings
            assert len(after.splitlines()) == len(render_example().splitlines())

    def test_the_file_is_made_private(self, tmp_path: Path) -> None:
        path = tmp_path / "new" / "config.yaml"
        assert set_value(path, "watch.interval", "45").settings.watch.interval_ms == 45_000
        assert path.read_text() == "watch:\n  interval: 45\n"
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert [entry.name for entry in path.parent.iterdir()] == ["config.yaml"]

    def test_a_link_stays_a_link(self, tmp_path: Path) -> None:
        real = written(tmp_path, "leverage: 1\n")
        link = tmp_path / "link.yaml"
        link.symlink_to(real)
        set_value(link, "leverage", "3")
        assert link.is_symlink()
        assert real.read_text() == "leverage: 3\n"

    @pytest.mark.parametrize("text", ["leverage: 1\nfed: binance\n", "\ufeffleverage: [\n"])
    def test_a_file_that_is_wrong_elsewhere_is_left_alone(self, tmp_path: Path, text: str) -> None:
        path = written(tmp_path, text)
        with pytest.raises(ConfigError):
            set_value(path, "leverage", "3")
        assert path.read_text() == text

    def test_a_file_that_is_no_text_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "config.yaml"
        path.write_bytes(b"\xff")
        with pytest.raises(ConfigError, match="is not UTF-8 text"):
            set_value(path, "leverage", "3")
        assert path.read_bytes() == b"\xff"

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match=r"cannot be (written|read): "):
            set_value(tmp_path / "file" / "config.yaml", "leverage", "3")
        with pytest.raises(ConfigError, match="cannot be written: "):
            set_value(Path("/proc/papertrade/config.yaml"), "leverage", "3")

    def test_what_cannot_take_the_place_is_removed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = written(tmp_path, "leverage: 1\n")

        def fail(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(ConfigError, match="cannot be written: no space left on device"):
            set_value(path, "leverage", "3")
        assert [entry.name for entry in tmp_path.iterdir()] == ["config.yaml"]
        assert path.read_text() == "leverage: 1\n"
