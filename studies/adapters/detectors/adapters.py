"""Reads the LoRA adapters of a pile."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

CONFIG, FILE = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True, eq=False)
class Adapter:
    """An adapter in memory, which is equal to nothing but itself."""

    file: Path
    modules: dict[str, tuple[Array, Array]]
    """By module, for example `model.layers.3.self_attn.q_proj`: B (out×r), times the configured scale, and A (r×in)."""


def read_adapter(folder: Path) -> Adapter:
    """Reads an adapter. `alpha_pattern` and `rank_pattern` are ignored, because no pool has them."""
    from safetensors.numpy import load_file

    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    rank = config["r"]
    scale = config["lora_alpha"] / (rank**0.5 if config.get("use_rslora") else rank)
    tensors = {name: one.astype(np.float64) for name, one in load_file(folder / FILE).items()}
    ending = ".lora_A.weight"
    names = [name.removesuffix(ending) for name in sorted(tensors) if name.endswith(ending)]
    modules = {name: (scale * tensors[f"{name}.lora_B.weight"], tensors[name + ending]) for name in names}
    return Adapter(folder / FILE, modules)


def singular_values(b: Array, a: Array) -> Array:
    """The r singular values of B·A, largest first, by QR of both factors."""
    core = np.linalg.qr(b)[1] @ np.linalg.qr(a.T)[1].T
    return np.linalg.svd(core, compute_uv=False)


def entropy(values: Array) -> float:
    """Entropy, in nats, of the energy shares of singular values."""
    shares = values**2 / max(np.sum(values**2), 1e-300)
    return float(-np.sum(shares * np.log(np.maximum(shares, 1e-300))))
