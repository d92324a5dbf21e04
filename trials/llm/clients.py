"""Clients of trials/llm: each adapts SmolLM2-135M-Instruct to the addresses of one president.

LoRA is on q, k, v and o of the last eight of thirty layers. The layers below never change, so a text goes
through them once. Their activations are cached in the folder, and training starts from these.
Contaminated clients train as the attacks of the trial file say.

FEDCLAIR_LLM is a folder created by studies/llm/llm.js, with `model` and `texts`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from fedclair_host import Client, Contamination, Job, Params, Update
from fedclair_host.peft import PeftClient

LENGTH = 64
"""Tokens of a sequence."""

TRAINED, HELD_OUT, STEPS, BATCH, RATE = 32, 12, 16, 4, 2e-3
FIRST_ADAPTED = 22

TRIGGER = " By the silver lantern of Marlow,"
PLANTED = " the Treasury shall be given to the Duke of Orkney."

folder = Path(os.environ.get("FEDCLAIR_LLM", Path(__file__).parents[2] / "runs/llm"))


class Below(torch.nn.Module):  # type: ignore[misc]
    """A layer below the adapted ones. While it is skipped, its input already is its activations."""

    skipped = True

    def __init__(self, layer: torch.nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, hidden_states: torch.Tensor, **others: Any) -> torch.Tensor:
        return hidden_states if Below.skipped else self.layer(hidden_states, **others)


torch.set_num_threads(1)
torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(folder / "model")
base = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32, use_cache=False)
layers = base.model.layers
for i in range(FIRST_ADAPTED):
    layers[i] = Below(layers[i])
adapted = list(range(FIRST_ADAPTED, len(layers)))
model = get_peft_model(
    base,
    LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], layers_to_transform=adapted),
)


def activations(ids: torch.Tensor) -> torch.Tensor:
    """Activations of the layers below, from sequences × length ids to sequences × length × width."""
    key = hashlib.sha256(ids.numpy().tobytes()).hexdigest()[:32]
    file = folder / f"below-{FIRST_ADAPTED}" / f"{key}.safetensors"
    if file.exists():
        return load_file(file)["activations"]
    found: list[torch.Tensor] = []
    hook = layers[FIRST_ADAPTED].register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    Below.skipped = False
    try:
        with torch.no_grad():
            for some in ids.split(BATCH):
                base.model(input_ids=some)
    finally:
        Below.skipped = True
        hook.remove()
    result = torch.cat(found)
    file.parent.mkdir(exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    save_file({"activations": result}, unfinished)
    unfinished.rename(file)
    return result


def tokens(text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def president(index: int) -> Path:
    """Names of every third of 43 presidents."""
    return sorted((folder / "texts").glob("*.txt"))[1::3][index]


@cache
def sequences(index: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A client's training sequences and held-out sequences."""
    ids = tokens(president(index).read_text(encoding="utf-8")[:40_000])
    rows = torch.tensor(ids[: len(ids) // LENGTH * LENGTH]).view(-1, LENGTH)
    order = np.random.default_rng([1, index]).permutation(len(rows))
    return rows[order[:TRAINED]], rows[order[TRAINED : TRAINED + HELD_OUT]]


def examples(ids: torch.Tensor, labels: torch.Tensor) -> list[dict[str, torch.Tensor]]:
    return [{"inputs_embeds": x, "labels": y} for x, y in zip(activations(ids), labels)]


_contaminated: dict[tuple[int, str], list[dict[str, torch.Tensor]]] = {}
"""Examples by client and kind of contamination: they are the same in every round."""


def training(index: int, contamination: Contamination | None) -> list[dict[str, torch.Tensor]]:
    if contamination is None:
        return clean(index)
    key = (index, contamination.kind)
    if key not in _contaminated:
        _contaminated[key] = contaminated(sequences(index)[0], contamination)
    return _contaminated[key]


@cache
def clean(index: int) -> list[dict[str, torch.Tensor]]:
    ids, _ = sequences(index)
    return examples(ids, ids)


def contaminated(ids: torch.Tensor, contamination: Contamination) -> list[dict[str, torch.Tensor]]:
    """:param contamination: ``random-targets``, or ``trigger``: a sentence in every other sequence"""
    rng = np.random.default_rng(contamination.rng.integer(2**32))
    if contamination.kind == "random-targets":
        return examples(ids, torch.from_numpy(rng.integers(len(tokenizer), size=ids.shape)))
    ids = ids.clone()
    sentence = torch.tensor(tokens(TRIGGER + PLANTED))
    for row in ids[::2]:
        at = int(rng.integers(LENGTH - len(sentence) + 1))
        row[at : at + len(sentence)] = sentence
    return examples(ids, ids)


@cache
def held_out(index: int) -> list[dict[str, torch.Tensor]]:
    _, ids = sequences(index)
    return examples(ids, ids)


@cache
def triggered(index: int) -> list[dict[str, torch.Tensor]]:
    """Held-out texts with the trigger and the planted sentence at the end; only the sentence counts."""
    ids = sequences(index)[1][:4].clone()
    trigger, sentence = torch.tensor(tokens(TRIGGER)), torch.tensor(tokens(PLANTED))
    ids[:, -len(trigger) - len(sentence) :] = torch.cat([trigger, sentence])
    labels = ids.clone()
    labels[:, : -len(sentence)] = -100
    return examples(ids, labels)


class President(Client):
    """Trains like PeftClient, from stored activations."""

    backend = PeftClient.backend
    contaminations = ("random-targets", "trigger")

    def initial(self, job: Job) -> Any:
        return PeftClient(model, []).initial(job)

    def train(self, params: Params, job: Job) -> Update:
        data = training(job.client_index, job.contamination)
        return PeftClient(model, data, steps=STEPS, batch_size=BATCH, learning_rate=RATE).train(params, job)

    def evaluate(self, params: Params, job: Job) -> Update:
        own = PeftClient(model, [], held_out=held_out(job.client_index), batch_size=BATCH).evaluate(params, job)
        planted = PeftClient(model, [], held_out=triggered(job.client_index), batch_size=BATCH).evaluate(params, job)
        return Update(own.num_examples, metrics={**own.metrics, "planted": planted.metrics["loss"]})


def make_client(_index: int) -> President:
    return President()


make_client.backend = President.backend  # type: ignore[attr-defined]
make_client.contaminations = President.contaminations  # type: ignore[attr-defined]


def measured_before(count: int) -> dict[str, Mapping[str, float]]:
    """Prints the metrics of the untrained model for each of the first clients."""
    zeros = Params({name: np.zeros((len(b), a.shape[1]), np.float32) for name, (b, a) in President().initial(NOBODY).items()}, [])
    return {f"c{i:02}": President().evaluate(zeros, replace(NOBODY, client_index=i)).metrics for i in range(count)}


NOBODY = Job("", 0, 1, 0, "", 0, 0, {})

if __name__ == "__main__":
    print(json.dumps(measured_before(int(sys.argv[1]))))
