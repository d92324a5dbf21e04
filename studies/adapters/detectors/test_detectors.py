"""Tests the detectors on adapters small enough to check by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

import plain_sum
import score
import sentry
import spectral
from adapters import Adapter, entropy, singular_values
from features import Features, average_layers

RNG = np.random.default_rng(0)


def adapter(b: np.ndarray, a: np.ndarray) -> Adapter:
    return Adapter(Path("none"), {"layers.0.q_proj": (b, a)})


def alike(count: int) -> list[Adapter]:
    """Adapters with one A whose B have much in common."""
    a, common = RNG.standard_normal((2, 10)), RNG.standard_normal((12, 2))
    return [adapter(common + 0.3 * RNG.standard_normal((12, 2)), a) for _ in range(count)]


def test_singular_values_are_those_of_the_product() -> None:
    b = np.array([[3.0, 0], [0, 2], [0, 0]])
    np.testing.assert_allclose(singular_values(b, np.eye(2)), [3, 2])


def test_entropy_is_ln_2_for_two_equal_values() -> None:
    assert entropy(np.array([5.0, 5])) == pytest.approx(np.log(2))
    assert entropy(np.array([5.0, 0])) == pytest.approx(0)


def test_the_five_statistics_of_a_matrix_of_plus_and_minus_one() -> None:
    one, norm, share, own_entropy, kurtosis = spectral.statistics(np.array([[1.0], [-1]]), np.ones((1, 2)))
    assert (one, norm) == (pytest.approx(2), pytest.approx(2))
    assert (share, own_entropy, kurtosis) == (pytest.approx(1), pytest.approx(0, abs=1e-9), pytest.approx(1))


def test_there_are_twenty_numbers_for_four_projections() -> None:
    modules = {f"layers.{layer}.{name}_proj": (np.eye(3, 2), np.eye(2, 4)) for layer in (0, 1) for name in "qkvo"}
    assert spectral.measure([Adapter(Path("none"), modules)]).values.shape == (1, 20)


def test_numbers_are_averaged_over_layers() -> None:
    modules = [("v_proj", [5.0, 0.0]), ("q_proj", [1.0, 2.0]), ("q_proj", [3.0, 4.0])]
    assert average_layers(modules).tolist() == [2, 3, 5, 0]


def test_features_are_compared_with_those_of_the_others() -> None:
    # The others of the last one are 0 and 1: mean 1/2, deviation √½. The second number is the same for all.
    scores = Features(np.array([[0.0, 7], [1, 7], [2, 7]])).scores()
    assert scores[2] == pytest.approx(1.5 / np.sqrt(0.5) / 2)


def test_deviations_are_robust_and_have_a_floor() -> None:
    values = np.array([0.0, 1, 2, 3, 100])
    spread = 1.4826 * 1 * np.sqrt(5 / 4)
    assert plain_sum.deviations_of(values, np.arange(5), 0.1)[3] == pytest.approx(1 / spread)
    assert plain_sum.deviations_of(values, np.arange(5), 10)[3] == pytest.approx(0.1)


def test_inner_products_are_those_of_the_whole_changes() -> None:
    pairs = [one.modules["layers.0.q_proj"] for one in alike(3)]
    whole = np.array([(b @ a).ravel() for b, a in pairs])
    np.testing.assert_allclose(plain_sum.inner_products(pairs), whole @ whole.T)


@pytest.mark.parametrize("factor", [-1, 5])
def test_the_plain_sum_finds_a_flipped_and_an_enlarged_adapter(factor: int) -> None:
    adapters = alike(9)
    b, a = adapters[0].modules["layers.0.q_proj"]
    adapters.append(adapter(factor * b, a))
    assert int(np.argmax(plain_sum.measure(adapters).scores())) == 9


def test_a_subset_has_the_scores_of_its_adapters_alone() -> None:
    adapters = alike(8)
    for measure in (plain_sum.measure, spectral.measure):
        some = measure(adapters).select(np.arange(6)).scores()
        np.testing.assert_allclose(some, measure(adapters[:6]).scores())


def write(folder: Path, one: Adapter) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    folder.mkdir(parents=True)
    b, a = one.modules["layers.0.q_proj"]
    half = {"lora_A": a.astype(np.float16), "lora_B": b.astype(np.float16)}
    tensors = {f"base_model.model.layers.0.q_proj.{name}.weight": value for name, value in half.items()}
    safetensors.save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))


def test_a_pile_is_read_with_the_scale_of_its_configuration(tmp_path: Path) -> None:
    write(tmp_path / "pile/a", adapter(np.eye(4, 2), np.eye(2, 3)))
    (pair,) = score.read_adapter(tmp_path / "pile/a").modules.values()
    np.testing.assert_array_equal(pair[0], 2 * np.eye(4, 2))


def test_adapters_with_the_same_content_are_read_once(tmp_path: Path) -> None:
    same, other = alike(2)
    for pile, name, one in [("sign", "a", same), ("sign", "b", other), ("pair", "a", same)]:
        write(tmp_path / pile / name, one)
    known: dict[bytes, Adapter] = {}
    piles = [score.read_pile(tmp_path / pile, known) for pile in ("sign", "pair")]
    assert [list(pile) for pile in piles] == [["a", "b"], ["a"]]
    assert piles[0]["a"] is piles[1]["a"] and len(known) == 2


def test_a_clean_pile_also_has_the_largest_scores_of_its_subsets() -> None:
    adapters = {f"client-{number}": one for number, one in enumerate(alike(12))}
    scored = score.score("clean", adapters, plain_sum.measure)
    assert list(scored["scores"]) == list(adapters)
    assert len(scored["largest"]) == score.SUBSETS and max(scored["largest"]) > 0
    assert score.score("sign", adapters, plain_sum.measure)["largest"] == []


def test_adaptersentry_has_a_verdict_and_nine_features(tmp_path: Path) -> None:
    pytest.importorskip("adaptersentry")
    write(tmp_path / "a", alike(1)[0])
    read = [score.read_adapter(tmp_path / "a")]
    assert sentry.measure_verdicts(read).scores().tolist() == [0]  # nothing to compare one module with
    features = sentry.measure_features(read).values
    assert features.shape == (1, 9) and np.isfinite(features).all()
