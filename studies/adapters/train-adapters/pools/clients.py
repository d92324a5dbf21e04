"""Trains one client's adapter on activations of the frozen layers."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

from pools.attacks import Data
from pools.frozen import Frozen, loss

BATCH = 4
"""Sequences of a step."""

BASE_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"


@dataclass(frozen=True)
class Shape:
    """The configuration of the adapters of a pool."""

    ranks: list[int]
    """One for all, or those that clients choose from."""
    modules: str
    """As in `q,v`."""
    rslora: bool

    def config(self, rank: int, layers: list[int]) -> LoraConfig:
        suffixes = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "o_proj"}
        return LoraConfig(
            r=rank,
            lora_alpha=rank if self.rslora else 2 * rank,
            use_rslora=self.rslora,
            target_modules=[suffixes.get(name, f"{name}_proj") for name in self.modules.split(",")],
            layers_to_transform=layers,
            layers_pattern="layers",
            task_type="CAUSAL_LM",
        )


def adapter(frozen: Frozen, shape: Shape, rank: int, a0_seed: int) -> PeftModel:
    """The base with a new adapter. Clients with the same seed start with the same A₀."""
    torch.manual_seed(a0_seed)
    return get_peft_model(frozen.upper, shape.config(rank, frozen.adapted))


def train(model: PeftModel, data: Data, activations: torch.Tensor, steps: int, rate: float, rng: random.Random) -> None:
    """Trains with AdamW, `BATCH` sequences per step; every sequence is used before one is again."""
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    order: list[int] = []
    for _ in range(steps):
        if len(order) < BATCH:
            order = rng.sample(range(len(data.ids)), len(data.ids))
        rows, order = order[:BATCH], order[BATCH:]
        value = loss(model, activations[rows], data.labels[rows])
        optimiser.zero_grad()
        (-value if data.uphill else value).backward()
        optimiser.step()


def save(model: PeftModel, folder: Path) -> None:
    """Saves an adapter with tensors in f16."""
    model.peft_config["default"].base_model_name_or_path = BASE_NAME
    model.save_pretrained(folder, save_embedding_layers=False)
    weights = folder / "adapter_model.safetensors"
    save_file({name: tensor.half().contiguous() for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    for other in folder.iterdir():
        if other.name not in ("adapter_config.json", weights.name):
            shutil.rmtree(other) if other.is_dir() else other.unlink()
