"""What the tests of the configuration share: reading a text as a file, and the refusal of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from papertrade.config.load import Configuration, File, merge
from papertrade.errors import ConfigError

NOTHING: Mapping[str, str] = {}

TARGETS = """\
notify:
  targets:
    - name: desk
      type: command
      command: [notify-send, SENTINEL]
    - name: phone
      type: webhook
      url: https://hooks.example.org/SENTINEL
      events: [refused, trade_closed, refused]
      timeout: 1.5
      secret_header: Authorization
      secret_value: "Bearer SENTINEL"
    - {name: home, type: webhook, url: "http://nas:8080/x", allow_private: true, events: all}
"""


def of(text: str, environment: Mapping[str, str] = NOTHING, flags: Mapping[str, str] = NOTHING) -> Configuration:
    return merge(File("config.yaml", text.encode(), 0o600), environment, flags)


def refusal(text: str, environment: Mapping[str, str] = NOTHING, flags: Mapping[str, str] = NOTHING) -> str:
    with pytest.raises(ConfigError) as caught:
        of(text, environment, flags)
    assert caught.value.exit_code == 3
    return caught.value.message


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "config.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path
