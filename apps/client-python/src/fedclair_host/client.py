"""What a client is: the contract between a host and the code that learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, NamedTuple, Union

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class LowRank(NamedTuple):
    """The matrix ``b @ a`` that is never multiplied out on its way: b is p×r, a is r×q. A LoRA scale is part of b.

    A pair of rank 0 stands for zeros.
    """

    b: Array
    a: Array


Change = Union[Array, LowRank, "tuple[Array, Array]"]
"""The change of a module: an array of the module's shape, or the two factors of a matrix."""

Delta = Mapping[str, Change]


@dataclass(frozen=True)
class Job:
    """One client's part of a round."""

    client_id: str
    client_index: int
    """0 … client_count - 1: which part of the data is this client's."""
    client_count: int
    round: int
    """From 1; 0 when the initial params are asked for."""
    phase: str
    seed: int
    """Below 2³²: the client's own in this round."""
    common_seed: int
    """Below 2³²: the same for all clients of the round, for what all must draw alike."""
    trial: Mapping[str, Any]
    """The trial as the coordinator runs it, every default filled in; its own seed is ``trial["seed"]``."""


@dataclass(frozen=True)
class Update:
    """What a client answers."""

    num_examples: int
    """Samples that it trained on, or measured on; at least 1."""
    delta: Delta = field(default_factory=dict)
    """By module the *change* of the params, for every module. Nothing of an evaluation."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Finite numbers by name, at most 256."""


class Params(Mapping[str, Array]):
    """The params that a client starts from, by module in the network's order; read-only arrays.

    A module is multiplied out when it is asked for. ``base`` and ``rounds`` are the parts, for clients that can do with
    low-rank pairs.
    """

    def __init__(self, base: Mapping[str, Array], rounds: list[list[dict[str, Array | LowRank]]]):
        self.base = base
        self.rounds = rounds
        """What was added to the base: a list of terms a round."""
        self._known: dict[str, Array] = {}

    def __getitem__(self, name: str) -> Array:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self.resolve(name)
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self.base)

    def __len__(self) -> int:
        return len(self.base)

    def resolve(self, name: str) -> Array:
        """The module multiplied out, and not kept: of large models one at a time."""
        value = self.base[name]
        for terms in self.rounds:
            own = [term[name] for term in terms if name in term]
            if not own:
                continue
            # As the coordinator does: added in float64, rounded at the end of each round.
            total = value.astype(np.float64)
            for change in own:
                total += dense(change)
            value = total.astype(value.dtype)
        value.flags.writeable = False
        return value


def dense(change: Array | LowRank) -> Array:
    """The change multiplied out, in float64."""
    if isinstance(change, LowRank):
        product: Array = change.b.astype(np.float64) @ change.a.astype(np.float64)
        return product
    return change.astype(np.float64)


class Client:
    """A client of a federation. A host makes one for every job, so that nothing is kept between two: what is to be kept
    (data, a model) belongs to the module that makes clients, which is loaded before the host joins.
    """

    def initial(self, job: Job) -> Delta:
        """The params that all clients start from, for a trial that says ``modules: from-first-host``."""
        raise NotImplementedError("this client has no initial params: name the modules in the trial file")

    def train(self, params: Params, job: Job) -> Update:
        """Trains from the params, and answers how they changed."""
        raise NotImplementedError("this client does not train")

    def evaluate(self, params: Params, job: Job) -> Update:
        """Measures the params on the client's own data."""
        raise NotImplementedError("this client does not measure")
