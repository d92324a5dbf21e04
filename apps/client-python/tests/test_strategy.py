"""These tests need the extra `flower-server`: npm run test:python -- flower-server."""

import sys

import numpy as np
import pytest

pytest.importorskip("flwr.serverapp.strategy")
pytest.importorskip("safetensors")

from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict  # noqa: E402
from flwr.supercore.task_identity import TaskIdentity  # noqa: E402

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
