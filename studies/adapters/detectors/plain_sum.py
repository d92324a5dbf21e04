"""A plain sum of four robust z: the floor that a rule for adapters has to beat.

Each adapter has four pieces of evidence, and each is measured in robust deviations of the adapters that are
left after the more suspicious half has been removed one by one:

- coherence: a small projection on the direction that the agreeing half shares, fitted without the adapter;
- size: the log norm of the whole update;
- clique: the mean cosine with the second and third nearest, minus the median one, because a pair is no clique;
- shape: the entropy of the singular values of B·A, too low or too high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from adapters import Adapter, Array, Rows, entropy, singular_values

LARGEST = 12.0
"""No single piece counts more deviations than this."""

FLOORS = {"coherence": 0.03, "size": 0.08, "clique": 0.02, "shape": 0.04}
"""Lower limits of the deviations, because a few adapters can agree by chance."""


@dataclass(frozen=True)
class PlainSum:
    """What the rule knows about K adapters."""

    cosines: Array
    """K×K cosines between changes, means over modules."""
    size: Array
    shape: Array

    def select(self, rows: Rows) -> PlainSum:
        return PlainSum(self.cosines[np.ix_(rows, rows)], self.size[rows], self.shape[rows])

    def scores(self) -> Array:
        """The sums of deviations, relative to the less suspicious half."""
        left = np.arange(len(self.size))
        while len(left) > len(self.size) // 2 + 1:
            left = np.delete(left, np.argmax(self._scores_among(left)[left]))
        return self._scores_among(left)

    def _scores_among(self, left: Rows) -> Array:
        everybody = range(len(self.size))
        agreement = np.array([np.median(self.cosines[k, left[left != k]]) for k in everybody])
        core = left[np.argsort(-agreement[left])[: len(left) // 2 + 1]]
        coherence = np.array([self._projection(k, core[core != k]) for k in everybody])
        nearest = [np.sort(np.delete(self.cosines[k], k))[-3:-1].mean() for k in everybody]
        deviations = (
            -deviations_of(coherence, left, FLOORS["coherence"]),
            deviations_of(self.size, left, FLOORS["size"]),
            deviations_of(np.array(nearest) - agreement, left, FLOORS["clique"]),
            np.abs(deviations_of(self.shape, left, FLOORS["shape"])),
        )
        return np.sum([np.clip(own, 0, LARGEST) for own in deviations], axis=0)

    def _projection(self, k: int, others: Rows) -> float:
        """The cosine between a change and the leading direction of the others."""
        values, vectors = np.linalg.eigh(self.cosines[np.ix_(others, others)])
        leading = vectors[:, -1] * np.sign(vectors[:, -1].sum())
        return float(self.cosines[k, others] @ leading / np.sqrt(max(values[-1], 1e-9)))


def deviations_of(values: Array, left: Rows, floor: float) -> Array:
    """Deviations from the median of those that are left, in median deviations scaled to a normal distribution."""
    own = values[left]
    middle = np.median(own)
    spread = 1.4826 * np.median(np.abs(own - middle)) * np.sqrt(len(own) / (len(own) - 1))
    return (values - middle) / max(float(spread), floor)


def measure(adapters: list[Adapter]) -> PlainSum:
    modules = list(adapters[0].modules)
    cosines, squares = [], []
    for module in modules:
        products = inner_products([one.modules[module] for one in adapters])
        norms = np.sqrt(np.maximum(np.diag(products), 1e-30))
        cosines.append(products / np.outer(norms, norms))
        squares.append(norms**2)
    shape = [np.mean([entropy(singular_values(*one.modules[module])) for module in modules]) for one in adapters]
    return PlainSum(np.mean(cosines, axis=0), 0.5 * np.log(np.sum(squares, axis=0)), np.array(shape))


def inner_products(pairs: list[tuple[Array, Array]]) -> Array:
    """⟨BᵢAᵢ, BⱼAⱼ⟩ of the changes of one module, K×K."""
    b = np.concatenate([own for own, _ in pairs], axis=1)
    a = np.concatenate([own for _, own in pairs], axis=0)
    count, rank = len(pairs), pairs[0][1].shape[0]
    return ((b.T @ b) * (a @ a.T)).reshape(count, rank, count, rank).sum(axis=(1, 3))
