"""Contaminated adapters that are computed from others: scaled, flipped, random and colluding ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[np.float32]]
"""The tensors of an adapter by name, in f32."""


def pairs(tensors: Tensors) -> list[tuple[str, str]]:
    """Names of A and B of each module."""
    return [(name, name.replace("lora_A", "lora_B")) for name in sorted(tensors) if "lora_A" in name]


def norm(tensors: Tensors) -> float:
    """Frobenius norm of all B·A together, without the scale of the configuration."""
    squares = (np.sum((tensors[b].T @ tensors[b]) * (tensors[a] @ tensors[a].T)) for a, b in pairs(tensors))
    return float(np.sqrt(sum(squares)))


def scaled(tensors: Tensors, factor: float) -> Tensors:
    """The whole change times a factor: −1 flips it."""
    return {name: tensor * np.float32(factor) if "lora_B" in name else tensor for name, tensor in tensors.items()}


def free_rider(tensors: Tensors, honest: list[Tensors], rng: np.random.Generator) -> Tensors:
    """Gaussian B on an adapter's A, each module at the median honest norm."""
    out = dict(tensors)
    for a, b in pairs(tensors):
        size = np.median([norm({a: one[a], b: one[b]}) for one in honest])
        out[b] = rng.standard_normal(tensors[b].shape).astype(np.float32)
        out[b] *= np.float32(size / norm({a: out[a], b: out[b]}))
    return out


def direction(tensors: Tensors, rng: np.random.Generator) -> Tensors:
    """A random change with an adapter's A whose modules have that adapter's singular values."""
    out = dict(tensors)
    for a, b in pairs(tensors):
        triangle = np.linalg.qr(tensors[a].T.astype(np.float64))[1].T  # A = triangle · orthonormal rows
        values = np.linalg.svd(tensors[b] @ triangle, compute_uv=False)
        left = np.linalg.qr(rng.standard_normal(tensors[b].shape))[0]
        right = np.linalg.qr(rng.standard_normal(triangle.shape))[0]
        out[b] = (left * values @ right @ np.linalg.inv(triangle)).astype(np.float32)
    return out


NOISE = 0.5
"""Norm of the noise of a colluder beside that of the common direction."""


def colluder(common: Tensors, rng: np.random.Generator) -> Tensors:
    """A common change with some noise of its own, at the common norm."""
    out = dict(common)
    for _, b in pairs(common):
        noise = rng.standard_normal(common[b].shape)
        out[b] = common[b] + (noise * NOISE * np.linalg.norm(common[b]) / np.linalg.norm(noise)).astype(np.float32)
    return scaled(out, norm(common) / norm(out))
