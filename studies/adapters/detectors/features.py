"""Scores adapters by numbers that describe each of them alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from adapters import Array, Rows


@dataclass(frozen=True)
class Features:
    """The same numbers for each adapter of a pile."""

    values: Array
    """Adapters × numbers."""

    def select(self, rows: Rows) -> Features:
        return Features(self.values[rows])

    def scores(self) -> Array:
        """The mean of |z| over the numbers. Mean and deviation are those of the other adapters."""
        count = len(self.values)
        scores = np.zeros(count)
        for k in range(count):
            others = np.delete(self.values, k, axis=0)
            deviation = np.maximum(others.std(axis=0, ddof=1), 1e-12)
            scores[k] = np.mean(np.abs(self.values[k] - others.mean(axis=0)) / deviation)
        return scores


def average_layers(modules: Iterable[tuple[str, list[float]]]) -> Array:
    """Averages the numbers of each projection over layers.

    :param modules: the name of a projection, for example `q_proj`, and the numbers of one module
    :returns: the numbers of all projections, one projection after the other
    """
    by_projection: dict[str, list[list[float]]] = {}
    for projection, numbers in modules:
        by_projection.setdefault(projection, []).append(numbers)
    return np.concatenate([np.mean(numbers, axis=0) for _, numbers in sorted(by_projection.items())])
