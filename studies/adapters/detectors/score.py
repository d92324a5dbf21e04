"""Scores the adapters of piles by detectors, and prints JSON.

    python score.py plain-sum,spectral PILE...

A pile is a folder of adapters. Its name `clean` means that nobody in it is contaminated: then the largest score
of each of many subsets is printed as well, from which thresholds for other pools are made.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np

import plain_sum
import sentry
import spectral
from adapters import CONFIG, FILE, Adapter, Array, Rows, read_adapter

SUBSETS = 60
"""Number of subsets of a clean pile."""

LEAST = 10
"""Number of adapters in the smallest subset."""


class Measured(Protocol):
    """What a detector knows about the adapters of a pile."""

    def select(self, rows: Rows) -> Measured: ...

    def scores(self) -> Array:
        """One score for each adapter; larger is more suspicious."""


Measure = Callable[[list[Adapter]], Measured]

DETECTORS: dict[str, Measure] = {
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


def score(pile: str, adapters: dict[str, Adapter], measure: Measure) -> dict[str, object]:
    """The scores of a pile by adapter. `largest` is empty unless the pile is clean."""
    measured = measure(list(adapters.values()))
    largest = largest_of_subsets(measured, len(adapters)) if pile == "clean" else []
    return {"pile": pile, "scores": dict(zip(adapters, measured.scores().tolist(), strict=True)), "largest": largest}


def read_pile(pile: Path, known: dict[bytes, Adapter]) -> dict[str, Adapter]:
    """Reads a pile.

    :param known: adapters by their content. The piles of a pool share most adapters, which are measured once
    """
    adapters = {}
    for folder in sorted(file.parent for file in pile.glob(f"*/{FILE}")):
        content = sha256((folder / CONFIG).read_bytes() + (folder / FILE).read_bytes()).digest()
        if content not in known:
            known[content] = read_adapter(folder)
        adapters[folder.name] = known[content]
    return adapters


def main() -> None:
    names, *piles = sys.argv[1:]
    detectors: dict[str, list[dict[str, object]]] = {name: [] for name in names.split(",")}
    known: dict[bytes, Adapter] = {}
    for pile in map(Path, piles):
        adapters = read_pile(pile, known)
        for name, scored in detectors.items():
            scored.append(score(pile.name, adapters, DETECTORS[name]))
    print(json.dumps({"detectors": detectors, "seconds": time.process_time(), "megabytes": peak_megabytes()}))


def peak_megabytes() -> float | None:
    """Peak memory of this process, if it runs on Linux. `getrusage` would include the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
