"""The ways in which the loopback venue misbehaves, as values. How they are served is `venue_server.py`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Manner(Enum):
    """How an answer is sent."""

    WHOLE = auto()
    TRUNCATED = auto()  # half of the body, then the connection ends
    DRIP = auto()  # a byte now and then
    RESET = auto()  # the connection is reset before any answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One misbehaviour; what is not given stays as the true answer has it."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    edit: Callable[[Json], Json] | None = None
    delay_seconds: float = 0.0
    manner: Manner = Manner.WHOLE


def refuse(status: int, code: int = -1000, message: str = "refused", **headers: str) -> Fault:
    """Answer with an error; header names are written with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(status=status, headers=named, body=json.dumps({"code": code, "msg": message}).encode())


def html(status: int = 200) -> Fault:
    """Answer with a web page."""
    page = b"<!DOCTYPE html><html><body>Attention Required!</body></html>"
    return Fault(status=status, body=page, headers={"Content-Type": "text/html"})


def bomb(size: int) -> Fault:
    """Answer with blanks that unpack to `size` bytes."""
    return Fault(body=gzip.compress(b" " * size), headers={"Content-Encoding": "gzip"})


def edited(edit: Callable[[Json], Json]) -> Fault:
    """Answer with the true answer, changed."""
    return Fault(edit=edit)
