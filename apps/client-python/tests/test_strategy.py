"""These tests need the extra `flower-server`: npm run test:python -- flower-server."""

import io
import sys

import numpy as np
import pytest

pytest.importorskip("flwr.serverapp.strategy")
pytest.importorskip("safetensors")

from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402
from flwr.supercore.task_identity import TaskIdentity  # noqa: E402

from fedclair_host.replies import with_usual_metrics  # noqa: E402
from fedclair_host.strategy import FedclairStrategy  # noqa: E402

# Replaces `fedclair aggregate`: the state counts steps, and every client gets its own adapter back, doubled.
STEP = """
import json, pathlib, sys
from safetensors.numpy import load_file, save_file
_, round_, *options = sys.argv[1:]
of = dict(zip(options[::2], options[1::2]))
state, out = pathlib.Path(of["--state"]), pathlib.Path(of["--out"])
step = len(list(state.glob("round-*"))) + 1
for file in pathlib.Path(round_).glob("*/adapter_model.safetensors"):
    tensors = {key: 2 * tensor for key, tensor in load_file(file).items()}
    for place in (state / f"round-{step}" / "personal" / file.parent.name, out / "global"):
        place.mkdir(parents=True, exist_ok=True)
        save_file(tensors, place / "adapter_model.safetensors")
(out / "verdicts.json").write_text(json.dumps({"round": step}))
"""


class Grid:
    def get_node_ids(self):
        return [11, 12]


def arrays(value):
    return ArrayRecord({f"m.lora_{half}.weight": Array(np.full((2, 2), value, np.float32)) for half in "AB"})


def test_personal_adapters_survive_a_round_without_replies(tmp_path, monkeypatch):
    for identity in ("run_id", "node_id", "task_id"):
        monkeypatch.setattr(TaskIdentity, f"_{identity}", 1)  # as in a running server
    step = tmp_path / "step.py"
    step.write_text(STEP)
    strategy = FedclairStrategy(
        tmp_path / "served",
        {"r": 2},
        command=[sys.executable, str(step)],
        min_train_nodes=2,
        min_evaluate_nodes=2,
        min_available_nodes=2,
    )
    (tmp_path / "served").mkdir()

    def configure_round(round_number, configure=strategy.configure_train):
        return {message.metadata.dst_node_id: message for message in configure(round_number, arrays(0), ConfigRecord(), Grid())}

    def read_values(messages):
        return {node: float(message.content["arrays"]["m.lora_A.weight"].numpy()[0, 0]) for node, message in messages.items()}

    first = configure_round(1)
    assert read_values(first) == {11: 0, 12: 0}
    contents = {node: RecordDict({"arrays": arrays(node), "metrics": MetricRecord({"num-examples": 1})}) for node in first}
    strategy.aggregate_train(1, [Message(contents[node], reply_to=message) for node, message in first.items()])
    own = {11: 22, 12: 24}
    assert read_values(configure_round(1, strategy.configure_evaluate)) == own
    second = configure_round(2)
    assert read_values(second) == own
    failed = [Message(Error(0, "out of memory"), reply_to=message) for message in second.values()]
    assert strategy.aggregate_train(2, failed) == (None, None)
    assert read_values(configure_round(2, strategy.configure_evaluate)) == own
    assert read_values(configure_round(3)) == own


def good(node, keys="AB"):
    return {f"m.lora_{half}.weight": Array(np.full((2, 2), node, np.float32)) for half in keys}


def forged(dtype, shape, data):
    return Array(dtype=dtype, shape=shape, stype="numpy.ndarray", data=data)


def content(arrays, metrics=None, **records):
    counted = MetricRecord({"num-examples": 1, "loss": 0.5}) if metrics is None else metrics
    return RecordDict({"arrays": ArrayRecord(arrays), "metrics": counted, **records})


B = "m.lora_B.weight"

def counting(examples):
    """A record with a number that MetricRecord itself would refuse."""
    metrics = MetricRecord({"num-examples": 1})
    metrics._data["num-examples"] = examples
    return metrics


FORMS = {
    "no records": lambda: RecordDict(),
    "no metrics": lambda: RecordDict({"arrays": ArrayRecord(good(9))}),
    "no arrays": lambda: content({}),
    "two array records": lambda: content(good(9), more=ArrayRecord(good(9))),
    "two metric records": lambda: content(good(9), more=MetricRecord({"num-examples": 1})),
    "other metrics": lambda: content(good(9), MetricRecord({"loss": 1.0})),
    "a list of examples": lambda: content(good(9), MetricRecord({"num-examples": [1, 2]})),
    "no examples": lambda: content(good(9), MetricRecord({"num-examples": 0})),
    "examples that are NaN": lambda: content(good(9), MetricRecord({"num-examples": float("nan")})),
    "no fit for a float": lambda: content(good(9), counting(2**1024)),
    "5,000 digits": lambda: content(good(9), counting(10**5000)),
    "a truth value": lambda: content(good(9), counting(True)),
    "a missing tensor": lambda: content(good(9, "A")),
    "one more tensor": lambda: content({**good(9), "head.weight": Array(np.ones((2, 2), np.float32))}),
    "a renamed adapter": lambda: content({key.replace(".weight", ".evil.weight"): array for key, array in good(9).items()}),
    "another module": lambda: content({key.replace("m.", "n."): array for key, array in good(9).items()}),
    "texts": lambda: content({**good(9), B: Array(np.array([["a", "b"], ["c", "d"]]))}),
    "integers": lambda: content({**good(9), B: Array(np.ones((2, 2), np.int64))}),
    "complex numbers": lambda: content({**good(9), B: Array(np.ones((2, 2), np.complex64))}),
    "numbers of 128 bits": lambda: content({**good(9), B: Array(np.ones((2, 2), np.longdouble))}),
    "objects": lambda: content({**good(9), B: forged("object", (2, 2), pickled(np.array([[None, {}], [1, "x"]], object)))}),
    "no numpy": lambda: content({**good(9), B: forged("float32", (2, 2), b"none")}),
    "another serialization": lambda: content({**good(9), B: Array(dtype="float32", shape=(2, 2), stype="pickle", data=b"x")}),
    "no bytes": lambda: content({**good(9), B: forged("float32", (0,), b"")}),
}


def pickled(array):
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize("form", FORMS)
def test_a_reply_of_a_wrong_form_is_invalid_alone(form, tmp_path, monkeypatch):
    for identity in ("run_id", "node_id", "task_id"):
        monkeypatch.setattr(TaskIdentity, f"_{identity}", 1)
    step = tmp_path / "step.py"
    step.write_text(STEP.replace('{"round": step}', '{"round": step, "clients": [{"name": one.name} for one in pathlib.Path(round_).iterdir()]}'))
    monkeypatch.setattr(Grid, "get_node_ids", lambda self: [11, 12, 13])
    # The names of the first reply are those of nobody else.
    for sender in (11, 13):
        folder = tmp_path / f"served-{sender}"
        folder.mkdir()
        nodes = {f"min_{what}_nodes": 3 for what in ("train", "evaluate", "available")}
        strategy = FedclairStrategy(folder, {"r": 2}, command=[sys.executable, str(step)], **nodes)
        messages = {message.metadata.dst_node_id: message for message in strategy.configure_train(1, arrays(0), ConfigRecord(), Grid())}
        contents = {node: FORMS[form]() if node == sender else content(good(node)) for node in sorted(messages)}
        replies = [Message(one, reply_to=messages[node]) for node, one in contents.items()]
        shared, metrics = strategy.aggregate_train(1, replies)
        assert shared is not None and list(shared) == ["m.lora_A.weight", "m.lora_B.weight"]
        assert metrics is not None and metrics["loss"] == 0.5
        reasons = {client["name"]: client.get("reason") for client in strategy.verdicts[0]["clients"]}
        assert len(reasons) == 3 and [name for name, why in reasons.items() if why] == [f"node-{sender}"]
        if "arrays" not in form and "tensor" not in form:
            measured = strategy.aggregate_evaluate(1, replies)
            assert measured is not None and measured["loss"] == 0.5


def test_a_loss_that_is_nan_does_not_spoil_the_mean(monkeypatch):
    for identity in ("run_id", "node_id", "task_id"):
        monkeypatch.setattr(TaskIdentity, f"_{identity}", 1)
    losses = {11: 1.0, 12: float("nan"), 13: 2.0, 14: 2**1024}
    sent = Message(RecordDict(), dst_node_id=1, message_type="train")
    replies = [Message(content(good(node), MetricRecord({"num-examples": 1, "loss": loss})), reply_to=sent) for node, loss in losses.items()]
    assert [next(iter(reply.content.metric_records.values()))["loss"] for reply in with_usual_metrics(replies)] == [1.0, 2.0]


def test_a_round_of_invalid_replies_has_no_result(tmp_path, monkeypatch):
    for identity in ("run_id", "node_id", "task_id"):
        monkeypatch.setattr(TaskIdentity, f"_{identity}", 1)
    strategy = FedclairStrategy(tmp_path, {"r": 2}, command=["false"], min_train_nodes=2, min_available_nodes=2)
    messages = list(strategy.configure_train(1, arrays(0), ConfigRecord(), Grid()))
    assert strategy.aggregate_train(1, [Message(RecordDict(), reply_to=message) for message in messages]) == (None, None)
    with pytest.raises(ValueError, match="arrays: 'head.weight': expected tensors of LoRA pairs alone"):
        strategy.configure_train(1, ArrayRecord({"head.weight": Array(np.ones(2))}), ConfigRecord(), Grid())


NAMES = {
    "the name of another": "c12",
    "the name of another node": "node-12",
    "outside": "../outside",
    "empty": "",
    "hidden": ".hidden",
    "a space at its end": "a ",
    "two lines": "a\nb",
    "a terminal code": "\x1b[31m",
    "a lone surrogate": "\ud800",
    "8 kB": "x" * 8192,
    "300 bytes": "😀" * 75,
}


@pytest.mark.parametrize("odd", NAMES)
def test_a_client_with_an_odd_name_has_that_of_its_node(odd, tmp_path, monkeypatch):
    strategy = serve_three(tmp_path, monkeypatch, {11: lambda: NAMES[odd], 12: lambda: "c12", 13: lambda: "constructor"})
    # The names of the first round are kept in the second one, in whatever order the clients answer.
    for number, first in ((1, 12), (2, 11)):
        answer_all(strategy, number, first)
        assert sorted(one.name for one in (tmp_path / f"round-{number}").iterdir()) == ["c12", "constructor", "node-11"]


def test_a_client_keeps_its_name(tmp_path, monkeypatch):
    names = {11: lambda: "c11", 12: lambda: "c12", 13: lambda: 1 // 0}
    strategy = serve_three(tmp_path, monkeypatch, names)
    answer_all(strategy, 1, 11)
    names.update({11: lambda: "c12", 12: lambda: "c11", 13: lambda: "c13"})
    answer_all(strategy, 2, 11)
    for number in (1, 2):
        values = {one.name: load_file(one / "adapter_model.safetensors")["m.lora_A.weight"][0, 0] for one in (tmp_path / f"round-{number}").iterdir()}
        assert values == {"c11": 11, "c12": 12, "node-13": 13}


def serve_three(folder, monkeypatch, names):
    for identity in ("run_id", "node_id", "task_id"):
        monkeypatch.setattr(TaskIdentity, f"_{identity}", 1)
    monkeypatch.setattr(Grid, "get_node_ids", lambda self: [11, 12, 13])
    step = folder / "step.py"
    step.write_text(STEP)
    nodes = {f"min_{what}_nodes": 3 for what in ("train", "evaluate", "available")}
    return FedclairStrategy(folder, {"r": 2}, command=[sys.executable, str(step)], name_of=lambda reply: names[reply.metadata.src_node_id](), **nodes)


def answer_all(strategy, number, first):
    messages = strategy.configure_train(number, arrays(0), ConfigRecord(), Grid())
    messages = sorted(messages, key=lambda message: message.metadata.dst_node_id != first)
    shared, _ = strategy.aggregate_train(number, [Message(content(good(one.metadata.dst_node_id)), reply_to=one) for one in messages])
    assert shared is not None


def test_a_folder_is_used_once(tmp_path):
    (tmp_path / "round-1").mkdir()
    with pytest.raises(ValueError, match=r"folder: '.*' holds the rounds of an earlier run \(round-1\): expected a new one"):
        FedclairStrategy(tmp_path, {"r": 2}, command=["false"])


def test_the_command_is_that_of_the_package(tmp_path, monkeypatch):
    monkeypatch.setenv("FEDCLAIR_COMMAND", "mine")
    strategy = FedclairStrategy(tmp_path, {"r": 2})
    assert strategy._call[0] == ["mine", "aggregate"]
