"""The robust rules of `libs/rules` in NumPy: the same formulas in float64.

They use as few passes as NumPy allows. Updates are float32, as clients send them.
"""

import numpy as np


def prepare(rule, clients, length, f):
    updates = np.random.default_rng(1).standard_normal((clients, length), dtype=np.float32)
    apply = rules[rule]

    def run():
        assert np.isfinite(apply(updates.astype(np.float64), f)).all()

    return run


def squared_distances(v):
    gram = v @ v.T
    squares = np.diag(gram)
    distances = np.maximum(squares[:, None] + squares[None, :] - 2 * gram, 0)
    np.fill_diagonal(distances, 0)
    return distances


def krum_order(v, f):
    nearest = np.sort(squared_distances(v), axis=1)[:, 1 : max(2, len(v) - f - 1)]
    return np.argsort(nearest.sum(axis=1), kind="stable")


def trimmed_mean(v, _):
    b = int(0.2 * len(v))
    return np.partition(v, (b, len(v) - b - 1), axis=0)[b : len(v) - b].mean(axis=0)


def bulyan(v, f):
    distances = squared_distances(v)
    np.fill_diagonal(distances, np.inf)
    left = np.arange(len(v))
    chosen = []
    while len(chosen) < len(v) - 2 * f:
        among = np.sort(distances[np.ix_(left, left)], axis=1)[:, : max(1, len(left) - f - 2)]
        best = among.sum(axis=1).argmin()
        chosen.append(left[best])
        left = np.delete(left, best)
    kept = v[np.sort(chosen)]
    count = len(kept) - 2 * f
    gaps = np.abs(kept - np.median(kept, axis=0))
    near = np.argpartition(gaps, count - 1, axis=0)[:count]
    return np.take_along_axis(kept, near, axis=0).mean(axis=0)


def geometric_median(v, _):
    """Smoothed Weiszfeld steps on the weights.

    Distances come from one Gram matrix, as in `geometricMedianWeights`.
    """
    gram = v @ v.T
    squares = np.diag(gram)
    weights = np.full(len(v), 1 / len(v))
    for _ in range(10_000):
        inner = gram @ weights
        norm2 = weights @ inner
        distances = np.sqrt(np.maximum(squares - 2 * inner + norm2, 0))
        raw = 1 / np.maximum(distances, 1e-6)
        after = raw / raw.sum()
        moved = distances @ np.abs(after - weights)
        weights = after
        if moved <= 1e-10 * np.sqrt(norm2):
            break
    return weights @ v


def norm_clip(v, _):
    norms = np.sqrt(np.einsum("ij,ij->i", v, v))
    return (np.minimum(1, np.median(norms) / norms) / len(v)) @ v


def centered_clip(v, _):
    tau = np.sqrt(v.shape[1])
    center = np.zeros(v.shape[1])
    for _ in range(3):
        apart = v - center
        norms = np.sqrt(np.einsum("ij,ij->i", apart, apart))
        center = center + (np.minimum(1, tau / norms) / len(v)) @ apart
    return center


def mix_nearest(v, f):
    distances = squared_distances(v)
    near = np.argpartition(distances, len(v) - f - 1, axis=1)[:, : len(v) - f]
    mixing = np.zeros((len(v), len(v)))
    np.put_along_axis(mixing, near, 1 / (len(v) - f), axis=1)
    return mixing @ v


rules = {
    "fedavg": lambda v, _: v.mean(axis=0),
    "coordinate median": lambda v, _: np.median(v, axis=0),
    "trimmed mean": trimmed_mean,
    "krum": lambda v, f: v[krum_order(v, f)[0]],
    "multi-Krum": lambda v, f: v[np.sort(krum_order(v, f)[: len(v) - f])].mean(axis=0),
    "bulyan": bulyan,
    "geometric median": geometric_median,
    "norm clip": norm_clip,
    "centered clipping": centered_clip,
    "nearest-neighbour mixing": mix_nearest,
}
