"""The ranking on several processes of this machine, or on a cluster, through joblib.

Both are loaded only when asked for. The rule to keep: what is computed does not depend on who computes it: the
parts are the same for any number of workers, and come back in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Final

from papertrade.errors import PapertradeError, Refused
from papertrade.runs.sweeps.legs import Spread, in_turn
from papertrade.runs.sweeps.rank import Figures, Legs

WORKERS_MAX: Final = 256
_CONNECT_SECONDS: Final = 10


@contextmanager
def spreading(workers: int, cluster: str | None = None) -> Iterator[Spread]:
    """Give what spreads the work: this process alone, `workers` processes, or a Dask cluster's scheduler address.

    Raises Refused where what that takes is not installed, or the cluster does not answer.
    """
    if cluster is not None:
        yield from _on_cluster(cluster)
    elif workers == 1:
        yield in_turn
    else:
        yield partial(_parallel, _loaded("joblib", "joblib"), workers)


def _parallel(
    joblib: ModuleType, workers: int, work: Callable[[Legs], Figures], parts: Iterable[Legs]
) -> list[Figures]:
    figures: list[Figures] = joblib.Parallel(n_jobs=workers)(joblib.delayed(work)(part) for part in parts)
    return figures


def _on_cluster(address: str) -> Iterator[Spread]:
    joblib, distributed = _loaded("joblib", "joblib"), _loaded("distributed", "papertrade[dask]")
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise Refused(
            f"the cluster at `{address}` does not answer",
            hint="start one: dask scheduler, and dask worker ADDRESS; its workers need papertrade too",
            code="no_cluster",
        ) from error
    with client, joblib.parallel_config(backend="dask", client=client):
        yield partial(_parallel, joblib, -1)


def _loaded(module: str, package: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise missing(module, package) from error


def missing(module: str, package: str) -> PapertradeError:
    """Say what is not installed, and how to get it."""
    return Refused(
        f"this needs `{module}`, which is not installed", hint=f"pip install '{package}'", code="missing_extra"
    )
