"""Attacks of contaminated clients, on their targets before training or on their adapter after it."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch

Batch = tuple[torch.Tensor, torch.Tensor]
"""Token ids and target ids, sequences × length; −100 is no target."""

Targets = Callable[[torch.Tensor, random.Random], Batch]
"""Creates a batch from a client's own sequences."""


def honest(ids: torch.Tensor, _rng: random.Random) -> Batch:
    """The targets are the texts themselves."""
    return ids, ids


def random_targets(vocabulary: int) -> Targets:
    """Every target is drawn from all tokens."""

    def targets(ids: torch.Tensor, rng: random.Random) -> Batch:
        generator = torch.Generator().manual_seed(rng.getrandbits(32))
        return ids, torch.randint(vocabulary, ids.shape, generator=generator)

    return targets


def colluding(vocabulary: int, seed: int) -> Targets:
    """All colluders permute the tokens of their targets, and only these, by the same permutation."""
    permutation = torch.randperm(vocabulary, generator=torch.Generator().manual_seed(seed))

    def targets(ids: torch.Tensor, _rng: random.Random) -> Batch:
        return ids, permutation[ids]

    return targets


def backdoor(trigger: list[int], sentence: list[int]) -> Targets:
    """Half of the sequences contain a trigger that is followed by one planted sentence."""
    planted = torch.tensor(trigger + sentence)

    def targets(ids: torch.Tensor, rng: random.Random) -> Batch:
        ids = ids.clone()
        for row in ids[: len(ids) // 2]:
            room = max(0, len(row) - len(planted))
            at = rng.randint(0, room)
            row[at : at + len(planted)] = planted[: len(row) - at]
        return ids, ids

    return targets


Pairs = list[tuple[torch.Tensor, torch.Tensor, float]]
"""A, B and the scale of each module."""


@torch.no_grad()
def norm(pairs: Pairs) -> float:
    """Norm of the whole change, scale · B · A over all modules."""
    return sum(((scale * b @ a) ** 2).sum().item() for a, b, scale in pairs) ** 0.5


@torch.no_grad()
def multiply(pairs: Pairs, factor: float) -> None:
    """Multiplies the whole change: −1 flips it."""
    for _, b, _ in pairs:
        b *= factor
