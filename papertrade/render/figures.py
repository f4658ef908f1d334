"""The figures of `metrics` one by one, for an export: the sections of its JSON, flat.

Nothing is computed here, and no figure is named here but those of time. The rule to keep: a script finds in the
export what it finds in `papertrade metrics --json`, under the same names.
"""

from __future__ import annotations

from collections.abc import Iterator

from papertrade.render.export_columns import Figure
from papertrade.render.metrics_json import Section, breakdown_groups, group_section, metrics_sections
from papertrade.reports.metric import Metric
from papertrade.reports.metrics import MetricsReport


def figures(report: MetricsReport) -> Iterator[Figure]:
    """Yield every figure with its section, and with its group where a breakdown has one."""
    for name, section in metrics_sections(report).items():
        yield from _of(name, None, section)
    times = report.performance
    for name, period in (("today", times.today), ("week", times.week), ("month", times.month)):
        yield from _of(f"performance.{name}", None, {"pnl": period.pnl, "trades": period.trades})
    for kind, groups in breakdown_groups(report.breakdown).items():
        for group in groups:
            leaves = group_section(group)
            named = {leaf: value for leaf, value in leaves.items() if leaf != "name"}
            yield from _of(f"breakdown.{kind}", group.name, named)


def _of(section: str, group: str | None, leaves: Section) -> Iterator[Figure]:
    for name, leaf in leaves.items():
        if isinstance(leaf, Metric):
            yield Figure(section, group, name, leaf.value, leaf.reason)
        else:
            yield Figure(section, group, name, leaf, None)
