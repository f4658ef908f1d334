"""Making good input bad: a few random edits of a seed, with the pieces that readers stumble over."""

from __future__ import annotations

import random

_PIECES = (
    b"NaN", b"Infinity", b"-0", b"1e400", b"1e-400", b"9" * 60, b"0x1F", b"1_000", "１２".encode(), "٣".encode(),
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n", b"\t", b'"', b"'", b",", b";", b":", b"{", b"}", b"[", b"]",
    b"[" * 3_000, b"!!python/object/apply:os.system", b"&a [*a]", b"=cmd|'/C calc'!A0", b"\x1b[2J", "\u202e".encode(),
    b"\\ud800", b"null", b"true", b"--", b"%", b"@", b"../../etc/passwd", b"a" * 5_000, b"2026-02-30T25:61Z",
)  # fmt: skip


def mutated(chance: random.Random, seed: bytes) -> bytes:
    """Return a seed after one to eight edits; now and then bytes that have nothing to do with it."""
    if chance.random() < 0.05:
        return chance.randbytes(chance.randint(0, 200))
    raw = bytearray(seed)
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(raw))
        edit = chance.random()
        if edit < 0.35:
            raw[at:at] = chance.choice(_PIECES)
        elif edit < 0.55 and raw:
            raw[min(at, len(raw) - 1)] ^= 1 << chance.randint(0, 7)
        elif edit < 0.75:
            del raw[at : at + chance.randint(1, 12)]
        elif edit < 0.9:
            raw[at:at] = raw[at : at + chance.randint(1, 40)]
        else:
            end = min(len(raw), at + chance.randint(1, 6))
            raw[at:end] = chance.choice(_PIECES)
    return bytes(raw)
