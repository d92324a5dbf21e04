"""Trains one client's LoRA adapter with peft."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel

from attacks import Pairs, Targets

BATCH = 4


@dataclass(frozen=True)
class Training:
    """How a client trains."""

    config: LoraConfig
    steps: int
    rate: float
    a0_seed: int
    """Seed of A₀: clients with the same seed start with the same A₀."""


def wrap(base: PreTrainedModel, config: LoraConfig, seed: int) -> PeftModel:
    """The base with a new adapter, whose random part depends only on the seed."""
    torch.manual_seed(seed)
    return get_peft_model(base, config)


def train(model: PeftModel, data: list[list[int]], targets: Targets, training: Training, rng: random.Random) -> float:
    """Trains with AdamW on a client's own sequences, `BATCH` per step, in the client's own order.

    :returns: the loss of the last step
    """
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=training.rate)
    model.train()
    last = float("nan")
    for _ in range(training.steps):
        rows = rng.sample(data, BATCH) if len(data) >= BATCH else rng.choices(data, k=BATCH)
        ids, labels = targets(torch.tensor(rows), rng)
        loss = model(input_ids=ids, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        last = loss.item()
    return last


def pairs_of(model: PeftModel, adapter: str = "default") -> Pairs:
    """A, B and the scale of every module that has an adapter."""
    layers = [m for m in model.modules() if adapter in getattr(m, "lora_A", {})]
    return [(m.lora_A[adapter].weight, m.lora_B[adapter].weight, m.scaling[adapter]) for m in layers]


@torch.no_grad()
def loss_of(model: torch.nn.Module, data: list[list[int]]) -> float:
    """Mean loss per token, without dropout."""
    model.eval()
    losses = []
    for i in range(0, len(data), 16):
        ids = torch.tensor(data[i : i + 16])
        losses.append(model(input_ids=ids, labels=ids).loss.item() * len(ids))
    return sum(losses) / len(data)
