"""Real processes for the store's tests: forked, begun together, ended by a code or by a signal."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

from papertrade.errors import PapertradeError


def in_children(count: int, work: Callable[[int], int]) -> list[int]:
    """Run `work(number)` in as many processes, begun at once; returns their process numbers.

    Each exits with what `work` returns, or with the exit code of the project's error; 99 is a traceback.
    """
    reader, writer = os.pipe()
    children = []
    for number in range(count):
        child = os.fork()
        if child == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(_outcome(work, number))
        children.append(child)
    os.close(reader)
    os.close(writer)
    return children


def exit_codes(children: list[int]) -> list[int]:
    """Wait for processes and return their exit codes, negative for a signal, lowest first."""
    return sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


def killed(child: int) -> int:
    """Kill a process and return how it ended."""
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _outcome(work: Callable[[int], int], number: int) -> int:
    try:
        return work(number)
    except PapertradeError as error:
        return error.exit_code
    except BaseException:
        traceback.print_exc()
        return 99
