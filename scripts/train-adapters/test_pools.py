"""Tests the adapters that compose.py derives from others, on small random ones."""

import numpy as np
import pytest

from pools.derived import Tensors, colluder, direction, free_rider, norm, pairs, scaled


def adapter(seed: int) -> Tensors:
    rng = np.random.default_rng(seed)
    out: Tensors = {}
    for module, (rows, columns) in {"q": (12, 10), "v": (6, 10)}.items():
        out[f"{module}.lora_A.weight"] = rng.standard_normal((3, columns)).astype(np.float32)
        out[f"{module}.lora_B.weight"] = rng.standard_normal((rows, 3)).astype(np.float32)
    return out


def change(tensors: Tensors) -> list[np.ndarray]:
    return [tensors[b] @ tensors[a] for a, b in pairs(tensors)]


def test_norm_is_that_of_all_products() -> None:
    whole = np.concatenate([one.ravel() for one in change(adapter(1))])
    assert norm(adapter(1)) == pytest.approx(np.linalg.norm(whole), rel=1e-5)


def test_a_scaled_adapter_has_the_change_times_the_factor() -> None:
    for own, flipped in zip(change(adapter(1)), change(scaled(adapter(1), -2)), strict=True):
        np.testing.assert_allclose(flipped, -2 * own, rtol=1e-5)


def test_a_free_rider_has_the_median_size_of_each_module() -> None:
    honest = [adapter(seed) for seed in (1, 2, 3)]
    out = free_rider(honest[0], honest, np.random.default_rng(0))
    for module, one in enumerate(change(out)):
        sizes = [np.linalg.norm(change(other)[module]) for other in honest]
        assert np.linalg.norm(one) == pytest.approx(np.median(sizes), rel=1e-4)


def test_a_random_direction_has_the_singular_values_and_a_of_its_model() -> None:
    own, out = adapter(1), direction(adapter(1), np.random.default_rng(0))
    for mine, other in zip(change(own), change(out), strict=True):
        values = [np.linalg.svd(one, compute_uv=False)[:3] for one in (mine, other)]
        np.testing.assert_allclose(*values, rtol=1e-3)
        cosine = np.sum(mine * other) / np.linalg.norm(mine) / np.linalg.norm(other)
        assert abs(cosine) < 0.95  # six dimensions are few
    assert all(np.array_equal(out[a], own[a]) for a, _ in pairs(own))


def test_colluders_are_alike_but_not_copies() -> None:
    common = adapter(1)
    rng = np.random.default_rng(0)
    one, other = (np.concatenate([m.ravel() for m in change(colluder(common, rng))]) for _ in range(2))
    assert np.linalg.norm(one) == pytest.approx(norm(common), rel=1e-4)
    assert 0.6 < one @ other / np.linalg.norm(one) / np.linalg.norm(other) < 0.95
