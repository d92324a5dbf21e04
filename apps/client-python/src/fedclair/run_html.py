"""Shows a run in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .run import Run

_OPEN_ROWS = 30
"""A table with more rows is folded."""


def run_html(run: Run) -> str:
    """Returns the arms' metrics, the verdicts of the last round, and the figures. Needs pandas. A trial with several seeds has its
    figures only."""
    figures = run.figures
    is_study = "measures" not in run.summary
    first = list(figures) if is_study else [name for name in ("scores", "accuracy") if name in figures]
    others = [name for name in figures if name not in first]
    return "\n".join(
        [
            f"<h4>{escape(str(run.summary['name']))}</h4>",
            *([] if is_study else [_arms(run), _verdicts(run)]),
            *(f"<div>{figures[name]}</div>" for name in first),
            *(f"<details><summary>{escape(name)}</summary>{figures[name]}</details>" for name in others),
        ]
    )


def _arms(run: Run) -> str:
    """One row per arm, with the metrics of the benign clients at the end."""
    from pandas import DataFrame

    measures, arms = run.summary["measures"], run.summary["arms"]
    names = dict.fromkeys(detail["metric"] for detail in run.summary["details"])
    metrics = [name for name in names if any(f"{name}.{arm}" in measures for arm in arms)]
    rows = {arm: {name: measures.get(f"{name}.{arm}") for name in metrics} for arm in arms}
    return str(DataFrame.from_dict(rows, orient="index").to_html(float_format=_number, na_rep="", border=0))


def _verdicts(run: Run) -> str:
    verdicts = run.verdicts
    last = verdicts[(verdicts.arm == run.summary["arms"][0]) & (verdicts["round"] == verdicts["round"].max())]
    if last.empty:
        return ""
    columns = ["client", "truth", "attack", "status", "score", "threshold"]
    table = last[columns].sort_values("score", ascending=False).to_html(index=False, float_format=_number, na_rep="", border=0)
    counts = ", ".join(f"{count} {status}" for status, count in last.status.value_counts().items())
    is_open = " open" if len(last) <= _OPEN_ROWS else ""
    return f"<details{is_open}><summary>Verdicts of the last round: {escape(counts)}</summary>{table}</details>"


def _number(value: float) -> str:
    return f"{value:.4g}"
