import re

import numpy as np
import pytest

import fedclair
from fedclair import service
from fedclair_host import LowRank

from test_fedclair import clients, command, pytestmark, trial  # noqa: F401


@pytest.fixture(autouse=True)
def own_command(monkeypatch):
    monkeypatch.setenv("FEDCLAIR_COMMAND", str(command))


def test_client_ids_are_texts():
    with pytest.raises(TypeError, match="expected client ids as texts, like 'c0', got 0"):
        fedclair.aggregate({0: {"w": np.zeros(2)}}, "fedavg")
    with pytest.raises(TypeError, match="updates: expected a dict of changes by client id, .* got list"):
        fedclair.aggregate([{"w": np.zeros(2)}], "fedavg")


def test_a_mean_is_the_one_by_hand_and_has_the_type_of_the_updates():
    updates = {"a": {"w": np.array([[1.0, 2.0]], np.float32), "n": np.float64(1)}, "b": {"w": np.array([[3, 6]]), "n": 5}}
    result = fedclair.aggregate(updates, "fedavg", examples={"a": 1, "b": 3})
    assert result.change["w"].tolist() == [[2.5, 5.0]] and result.change["w"].dtype == np.float32
    assert result.change["n"] == 4 and result.change["n"].shape == ()
    assert result.round == 1 and result.personal == {} and result.flagged == []


def test_pairs_are_multiplied_out_and_tensors_of_torch_come_back():
    torch = pytest.importorskip("torch")
    b, a = torch.tensor([[1.0], [2.0]], requires_grad=True), torch.tensor([[3.0, 4.0]])
    dense = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.bfloat16)
    result = fedclair.aggregate({"x": {"w": LowRank(b, a)}, "y": {"w": dense}}, "fedavg")
    assert torch.equal(result.change["w"], torch.tensor([[2.0, 2.0], [3.0, 4.5]]))


def test_a_client_with_nan_is_invalid_and_left_out():
    pytest.importorskip("pandas")
    updates = {"good": {"w": np.ones(3)}, "bad": {"w": np.array([1, np.nan, 1])}}
    result = fedclair.aggregate(updates, "fedavg")
    assert result.change["w"].tolist() == [1, 1, 1]
    verdict = result.verdicts.set_index("client").loc["bad"]
    assert verdict.status == "invalid" and "entry 1" in verdict.reason
    with pytest.raises(fedclair.FedclairError, match="expected at least one update.*bad: "):
        fedclair.aggregate({"bad": updates["bad"]}, "fedavg")


def test_the_state_counts_rounds_and_belongs_to_its_aggregator():
    updates = {client: {"w": np.ones((2, 2))} for client in "abc"}
    first = fedclair.aggregate(updates, "fedavg")
    assert fedclair.aggregate(updates, "fedavg", state=first.state).round == 2
    with pytest.raises(fedclair.FedclairError, match="belongs to aggregator 'fedavg', not 'coordinate-median'") as failed:
        fedclair.aggregate(updates, "coordinate-median", state=first.state)
    assert failed.value.exit_code == 2


def test_a_step_is_that_of_a_trial(tmp_path, monkeypatch):
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_clients.py").write_text(clients)
    own = {}
    exec(clients, own)
    benign = {**trial, "rounds": 1, "seed": 7, "attacks": []}
    verdicts = fedclair.run(benign, clients="own_clients:Own", hosts=1, progress=False).verdicts
    start = {"w": np.zeros((8, 6))}
    updates = {f"c{i:02}": own["Own"](i).train(start, None).delta for i in range(12)}
    plain = fedclair.aggregate(updates, "clair", rank=1, seed=7)
    assert plain.personal == {} and plain.change["w"].shape == (8, 6)
    result = fedclair.aggregate(updates, "clair", rank=1, models="personal", seed=7, examples=dict.fromkeys(updates, 10))
    assert {v["clientId"]: v["score"] for v in result.judged} == dict(zip(verdicts.client, verdicts.score))
    assert "nobody measured if the refined changes are better" in result.notice
    assert list(result.personal) == list(updates) and result.personal["c00"]["w"].shape == (8, 6)


def test_unknown_names_are_reported_and_the_process_goes_on():
    updates = {client: {"w": np.ones((2, 2))} for client in "abc"}
    with pytest.raises(fedclair.FedclairError, match="fedavgg"):
        fedclair.aggregate(updates, "fedavgg")
    with pytest.raises(fedclair.FedclairError, match="rang"):
        fedclair.aggregate(updates, "clair", rang=4)
    with pytest.raises(TypeError, match="'w': expected an array of numbers"):
        fedclair.aggregate({"a": {"w": "x"}}, "fedavg")
    assert fedclair.aggregate(updates, "fedavg").round == 1


def test_a_process_that_ended_is_an_error_once():
    updates = {"a": {"w": np.ones(1)}}
    fedclair.aggregate(updates, "fedavg")
    process, _ = service._running
    process.kill()
    process.wait()
    assert fedclair.aggregate(updates, "fedavg").round == 1
    assert service._running[0] is not process


def test_the_first_client_may_be_the_odd_one():
    odd = {"other": np.ones(1)}
    updates = {"a": odd, "b": {"w": np.array([1, 2], np.float32)}, "c": {"w": np.array([3, 4], np.float32)}}
    result = fedclair.aggregate(updates, "fedavg")
    assert [verdict["clientId"] for verdict in result.judged if verdict["status"] == "invalid"] == ["a"]
    assert list(result.change) == ["w"] and result.change["w"].tolist() == [2, 3] and result.change["w"].dtype == np.float32


def test_shares_cover_the_samples_and_depend_on_the_seed():
    labels = np.arange(600) % 3
    parts = fedclair.partition(labels, "dirichlet", alpha=0.3, minimum=5, clients=10, seed=1)
    assert sorted(np.concatenate(parts)) == list(range(600)) and min(map(len, parts)) >= 5
    again = fedclair.partition(list(labels), "dirichlet", alpha=0.3, minimum=5, clients=10, seed=1)
    other = fedclair.partition(labels, "dirichlet", alpha=0.3, minimum=5, clients=10, seed=2)
    assert all(np.array_equal(*pair) for pair in zip(parts, again))
    assert not all(np.array_equal(*pair) for pair in zip(parts, other))
    some = fedclair.partition(labels, "iid", clients=5, withheld=100)
    assert len(set(np.concatenate(some))) == 500
    sizes = [len(part) for part in fedclair.partition(labels, "iid", clients=7)]
    assert sorted(sizes) == [85, 85, 86, 86, 86, 86, 86]


def test_partitions_that_cannot_be_are_errors():
    with pytest.raises(fedclair.FedclairError, match="3 samples do not suffice for 4 clients"):
        fedclair.partition([0, 1, 2], "iid", clients=4)
    with pytest.raises(fedclair.FedclairError, match="expected { by: iid, dirichlet"):
        fedclair.partition([0, 1, 2], "random", clients=1)
    with pytest.raises(ValueError, match=r"expected integers of shape \(samples,\), got float64 of shape \(1, 2\)"):
        fedclair.partition([[0.5, 1]], "iid", clients=1)


class Evil:
    def __array__(self, *_, **__):
        raise RuntimeError("evil")


@pytest.mark.parametrize(
    "delta, reason",
    [
        (None, "expected a dict of changes by module, got NoneType"),
        ([1], "expected a dict of changes by module, got list"),
        ({}, "modules .w. are missing"),
        ({0: np.ones(2)}, "expected names of modules as texts, got 0"),
        ({"w": None}, "module 'w': expected an array of numbers, got ndarray of object"),
        ({"w": np.array([[None, {}]], object)}, "module 'w': expected an array of numbers, got ndarray of object"),
        ({"w": np.ones((1, 2)) * 1j}, "got ndarray of complex128"),
        ({"w": [["a", "b"]]}, "got ndarray of <U1"),
        ({"w": [[1], [1, 2]]}, "inhomogeneous shape"),
        ({"w": Evil()}, "evil"),
        ({"w": (1, 2, 3)}, "got a tuple of 3, expected an array, or LowRank"),
        ({"w": (None, None)}, "expected an array of numbers"),
        ({"w": LowRank(np.ones((1, 2)), np.ones((3, 2)))}, "factors 1×2 and 3×2 do not multiply"),
        ({"w": np.ones((2, 1))}, "expected 1×2, got 2×1"),
        ({"w": np.full((1, 2), np.inf)}, "entry 0 is Infinity"),
        ({"w": np.ones((1, 2)), "v": np.ones(1)}, "modules .v.: expected only"),
        ({"\ud800": np.ones(2)}, "expected a name of at most 128 printable characters"),
    ],
)
def test_an_update_of_a_wrong_form_is_invalid_alone(delta, reason):
    good = {"w": np.array([[1.0, 2.0]])}
    for updates in ({"bad": delta, "a": good, "b": good}, {"a": good, "b": good, "bad": delta}):
        result = fedclair.aggregate(updates, "fedavg")
        assert result.change["w"].tolist() == [[1, 2]]
        ((client, why),) = [(v["clientId"], v["reason"]) for v in result.judged if v["status"] == "invalid"]
        assert client == "bad" and re.search(reason, why), why


def test_numbers_of_examples_that_are_none_make_their_client_invalid():
    updates = {client: {"w": np.ones(2)} for client in "abcdef"}
    examples = {"a": 1, "b": "x", "c": float("nan"), "d": 2**60, "e": 0}
    judged = fedclair.aggregate(updates, "fedavg", examples=examples).judged
    assert [v["clientId"] for v in judged if v["status"] == "invalid"] == list("bcdef")


def test_a_client_that_claims_far_more_examples_than_others_is_told_and_limited():
    honest = {"a": 0.001, "b": 0.001, "c": -0.001, "d": -0.001}
    updates = {client: {"w": np.full(1, x)} for client, x in {**honest, "eve": 1.0}.items()}
    claimed = fedclair.aggregate(updates, "fedavg", examples={**dict.fromkeys("abcd", 10), "eve": 2**53 - 1})
    assert claimed.change["w"] == pytest.approx(100 / 140)
    assert claimed.notice is not None and "eve with 9007199254740991" in claimed.notice
    even = fedclair.aggregate(updates, "geometric-median", examples={**dict.fromkeys("abcd", 10), "eve": 2**53 - 1})
    assert even.change["w"] == pytest.approx(0, abs=2e-3) and even.notice is None


def test_other_arguments_are_named():
    updates = {"a": {"w": np.ones(1)}}
    for wrong, message in [({"seed": 1.5}, "seed: expected an integer"), ({"state": "x"}, "state: expected the bytes"), ({"examples": [1]}, "examples: ")]:
        with pytest.raises(TypeError, match=message):
            fedclair.aggregate(updates, "fedavg", **wrong)
    with pytest.raises(fedclair.FedclairError, match="aggregator.name: expected one of"):
        fedclair.aggregate(updates, None)
    for state in (b"", b"{}", bytes(100)):
        with pytest.raises(fedclair.FedclairError) as failed:
            fedclair.aggregate(updates, "fedavg", state=state)
        assert "Zod" not in str(failed.value) and "\n" not in str(failed.value)
