"""Held-out loss of benign clients: without adapter, with their own and with the refined ones."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from peft import PeftModel
from transformers import PreTrainedModel

from base import LENGTH, load
from clients import loss_of
from texts import for_clients, kinds, sequences
from train import HELD_OUT


def loss_with(base: PreTrainedModel, folder: Path, data: list[list[int]]) -> float:
    """Loss of the base with an adapter that peft loads from a folder."""
    model = PeftModel.from_pretrained(base, folder)
    loss = loss_of(model, data)
    model.unload()
    return loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--pile", type=Path, required=True, help="as train.py made it")
    parser.add_argument("--refined", type=Path, required=True, help="as `fedclair audit --refine` made it")
    parser.add_argument("--out", type=Path, required=True, help="a JSON file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    base, tokenizer = load(options.base)
    texts = {name: text for some in kinds(options.texts).values() for name, text in for_clients(some).items()}
    losses = {}
    for folder in sorted(options.pile.iterdir()):
        if folder.name.startswith("bad-"):
            continue
        data = sequences(texts[folder.name], tokenizer, LENGTH)[:HELD_OUT]
        versions = {name: options.refined / name / folder.name for name in ("shrunk", "added")}
        losses[folder.name] = {
            "base": loss_of(base, data),
            "own": loss_with(base, folder, data),
            **{name: loss_with(base, path, data) if path.is_dir() else None for name, path in versions.items()},
        }
    options.out.write_text(json.dumps(losses, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
