"""The spectral numbers of "Weight space Detection of Backdoors in LoRA Adapters" (arXiv 2602.15195).

The paper takes five statistics of B·A of each attention projection (q, k, v, o): 20 numbers an adapter. It
trains a logistic regression on labelled adapters. An audit has no labels, so the numbers are compared with
those of the other adapters here. We have read only the abstract and summaries, so these details are ours: the
mean over layers, kurtosis of the entries, and the same five numbers for all other projections.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from adapters import Adapter, Array, entropy, singular_values
from features import Features, average_layers


def measure(adapters: list[Adapter]) -> Features:
    """Five numbers for each projection: 20 where adapters are on q, k, v and o."""
    return Features(np.array([numbers(one) for one in adapters]))


@cache
def numbers(adapter: Adapter) -> Array:
    return average_layers((name.split(".")[-1], statistics(*pair)) for name, pair in adapter.modules.items())


def statistics(b: Array, a: Array) -> list[float]:
    """Leading singular value, Frobenius norm, energy share of the first, spectral entropy, kurtosis of the entries."""
    values = singular_values(b, a)
    energy = float(np.sum(values**2))
    return [float(values[0]), energy**0.5, float(values[0] ** 2 / max(energy, 1e-300)), entropy(values), kurtosis(b, a)]


def kurtosis(b: Array, a: Array) -> float:
    """Fourth central moment of the entries of B·A over the squared variance; 3 for a normal distribution."""
    squares = b.astype(np.float32) @ a.astype(np.float32)
    squares -= squares.mean()
    squares *= squares
    return float(np.mean(squares * squares) / max(float(np.mean(squares)) ** 2, 1e-300))
