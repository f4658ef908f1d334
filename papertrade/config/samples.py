"""Longer values of settings, as the example file and the documentation show them; a test reads each of them."""

from __future__ import annotations

from typing import Final

TARGETS_SAMPLE: Final = """\
- name: desktop
  type: command
  command: [notify-send, papertrade]
  events: [trade_opened, trade_closed]
- name: phone
  type: webhook
  url: https://example.org/hook
  events: all
  timeout: 3
  allow_private: false
  secret_header: X-Token
  secret_value: change-me
"""

PRESETS_SAMPLE: Final = """\
scalp:
  sl: 1%
  tp: ["1R:0.5", "2R:0.5"]
  after_tp1: be
  time_limit: 4h
  risk: 0.5%
  expires: 2h
  guards: {max_open: 3, lockout: 1h}
runner:
  sl: 2%
  trail: 1R@2R
  break_even: 1R
"""

GUARDS_SAMPLE: Final = """\
hours:
  - {days: mon-fri, from: 08:00, to: 17:00}
max_open: 10
daily_loss: 3%
drawdown: {limit: 10%, until: reset}
cooldown: {losses: 3, for: 2h, action: shrink, factor: 0.5}
lockout: {for: 1h, losses: 2, within: 1d, action: warn}
"""
