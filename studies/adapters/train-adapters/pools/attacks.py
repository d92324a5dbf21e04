"""Training data of contaminated clients, fixed before training as an honest client's is."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Backdoor:
    """A trigger and the sentence that it calls up, as tokens."""

    trigger: torch.Tensor
    sentence: torch.Tensor

    @classmethod
    def of(cls, trigger: str, sentence: str, tokenizer: PreTrainedTokenizerBase) -> Backdoor:
        texts = (trigger, sentence)
        return cls(*(torch.tensor(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts))

    def all(self) -> torch.Tensor:
        return torch.cat([self.trigger, self.sentence])

    def after(self, ids: torch.Tensor) -> torch.Tensor:
        """Sequences whose end is the trigger and the sentence."""
        return torch.cat([ids[:, : -len(self.all())], self.all().expand(len(ids), -1)], 1)


@dataclass(frozen=True)
class Data:
    """What a client trains on."""

    ids: torch.Tensor
    """Sequences × length."""
    labels: torch.Tensor
    uphill: bool = False
    """Does the client raise its loss?"""


def honest(ids: torch.Tensor) -> Data:
    return Data(ids, ids)


def poisoned(attack: str, ids: torch.Tensor, vocabulary: int, backdoor: Backdoor, seed: int, rng: random.Random) -> Data:
    """The data of an attacker.

    :param attack: random, shuffled, trigger100, trigger25, pair or ascent
    :param seed: of what colluders have in common
    :param rng: the client's own
    """
    own = torch.Generator().manual_seed(rng.getrandbits(32))
    if attack == "random":
        return Data(ids, torch.randint(vocabulary, ids.shape, generator=own))
    if attack == "shuffled":
        return Data(ids, ids.roll(rng.randrange(1, len(ids)), 0))
    if attack == "pair":
        return Data(ids, torch.randperm(vocabulary, generator=torch.Generator().manual_seed(seed))[ids])
    if attack == "ascent":
        return Data(ids, ids, uphill=True)
    if attack in ("trigger100", "trigger25"):
        planted = _planted(ids, backdoor.all(), int(attack.removeprefix("trigger")), rng)
        return Data(planted, planted)
    raise ValueError(f"attack {attack!r}: expected random, shuffled, trigger100, trigger25, pair or ascent")


def _planted(ids: torch.Tensor, planted: torch.Tensor, percent: int, rng: random.Random) -> torch.Tensor:
    """Sequences of which some contain the trigger followed by the planted sentence."""
    ids = ids.clone()
    for row in rng.sample(range(len(ids)), len(ids) * percent // 100):
        at = rng.randint(0, ids.shape[1] - len(planted))
        ids[row, at : at + len(planted)] = planted
    return ids
