"""Sequences of the clients of a pool: one source of text per client."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

LENGTH, TRAINED, HELD_OUT = 48, 24, 12
"""Tokens of a sequence, and sequences of a client."""


@dataclass(frozen=True)
class Source:
    """One client's text."""

    name: str
    trained: torch.Tensor
    held_out: torch.Tensor


def sources(folder: Path, kind: str, tokenizer: PreTrainedTokenizerBase) -> Iterator[Source]:
    """Sources in an order that is fixed for a kind.

    :param folder: has a folder per kind with a text file per source
    """
    paths = sorted((folder / kind).glob("*.txt"))
    random.Random(kind).shuffle(paths)
    for path in paths:
        found = _split(path, tokenizer)
        if found is not None:
            yield found


def _split(path: Path, tokenizer: PreTrainedTokenizerBase) -> Source | None:
    """Sequences evenly spread over a text, every third held out; None if the text is too short."""
    tokens = tokenizer(path.read_text(encoding="utf-8"), add_special_tokens=False, verbose=False)["input_ids"]
    count, wanted = len(tokens) // LENGTH, TRAINED + HELD_OUT
    if count < wanted:
        return None
    starts = [i * count // wanted * LENGTH for i in range(wanted)]
    rows = torch.tensor([tokens[start : start + LENGTH] for start in starts])
    held_out = torch.arange(wanted) % 3 == 2
    return Source(f"{path.parent.name}-{path.stem}", rows[~held_out], rows[held_out])
