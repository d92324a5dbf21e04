"""Scores the adapters of piles by one detector, and prints JSON.

    python score.py plain-sum PILE...

A pile is a folder of adapters. Its name `clean` means that nobody in it is contaminated: then the largest score
of each of many subsets is printed as well, from which thresholds for other pools are made.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

import plain_sum
import sentry
import spectral
from adapters import FILE, Adapter, Array, Rows, read_adapter

SUBSETS = 60
"""Number of subsets of a clean pile."""

LEAST = 10
"""Number of adapters in the smallest subset."""


class Measured(Protocol):
    """What a detector knows about the adapters of a pile."""

    def select(self, rows: Rows) -> Measured: ...

    def scores(self) -> Array:
        """One score for each adapter; larger is more suspicious."""


DETECTORS: dict[str, Callable[[list[Adapter]], Measured]] = {
    "plain-sum": plain_sum.measure,
    "spectral": spectral.measure,
    "sentry-features": sentry.measure_features,
    "sentry-verdicts": sentry.measure_verdicts,
}


def largest_of_subsets(measured: Measured, count: int) -> list[float]:
    """The largest score of each of many random subsets."""
    rng = np.random.default_rng(1)
    largest = []
    for _ in range(SUBSETS):
        size = int(rng.integers(min(LEAST, count), count + 1))
        rows = rng.choice(count, size, replace=False)
        largest.append(float(measured.select(rows).scores().max()))
    return largest


def score(pile: Path, measure: Callable[[list[Adapter]], Measured]) -> dict[str, object]:
    folders = sorted(file.parent for file in pile.glob(f"*/{FILE}"))
    measured = measure([read_adapter(folder) for folder in folders])
    scores = dict(zip([folder.name for folder in folders], measured.scores().tolist(), strict=True))
    largest = largest_of_subsets(measured, len(folders)) if pile.name == "clean" else []
    return {"pile": pile.name, "scores": scores, "largest": largest}


def main() -> None:
    name, *piles = sys.argv[1:]
    results = [score(Path(pile), DETECTORS[name]) for pile in piles]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    kilobyte = 1024 if sys.platform == "darwin" else 1  # the unit of ru_maxrss there is a byte
    megabytes = usage.ru_maxrss / kilobyte / 1024
    print(json.dumps({"piles": results, "seconds": usage.ru_utime + usage.ru_stime, "megabytes": megabytes}))


if __name__ == "__main__":
    main()
