"""The interface between a host and the code that trains."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Iterator, Mapping, NamedTuple, Sequence, Union

import numpy as np
from numpy.typing import NDArray

from .stream import Stream

Array = NDArray[Any]


class LowRank(NamedTuple):
    """The matrix ``b @ a``, sent as its two factors: b is p×r, a is r×q. A LoRA scale is part of b.

    A pair of rank 0 stands for zeros.
    """

    b: Array
    a: Array


@dataclass(frozen=True)
class Bfloat16:
    """An array in bfloat16, which NumPy lacks. It is sent in two bytes per number."""

    codes: Array
    """The upper halves of float32 numbers, as uint16, in the shape of the array."""


Change = Union[Array, Bfloat16, LowRank, "tuple[Array, Array]"]
"""The change of a module: an array of the module's shape, or the two factors of a matrix."""

Delta = Mapping[str, Change]


@dataclass(frozen=True)
class Contamination:
    """How a client contaminates its own data, because the trial attacks it. `contaminate_labels` and `contaminate` do it."""

    kind: str
    """The name of an attack on labels, as label-flip, or the kind of an attack ``contaminated-data``."""
    options: Mapping[str, Any]
    """The options of the attack, with defaults filled in for an attack on labels."""
    rng: Stream
    """The client's own stream, the same in every round."""
    common: Stream
    """A stream that all clients of the attack share."""


@dataclass(frozen=True)
class Job:
    """One client's part of a round."""

    client_id: str
    client_index: int
    """0 … client_count - 1; determines which part of the data belongs to this client."""
    client_count: int
    round: int
    """1-based; 0 in the job that asks for the initial params."""
    phase: str
    seed: int
    """The client's own seed for this round, below 2³²."""
    common_seed: int
    """A seed below 2³² that all clients of the round share, for numbers that all of them must draw alike."""
    trial: Mapping[str, Any]
    """The trial with all defaults filled in, as the coordinator runs it. The trial's seed is ``trial["seed"]``."""
    contamination: Contamination | None = None
    """Present if this client trains on contaminated data. Evaluations are always on clean data."""


@dataclass(frozen=True)
class Update:
    """The result of a client's job."""

    num_examples: int
    """Samples that the client trained or evaluated on; at least 1."""
    delta: Delta = field(default_factory=dict)
    """The *change* of the params by module, with every module. Empty for an evaluation."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Finite numbers by name, at most 256."""


class Params(Mapping[str, Array]):
    """The params that a client starts from: read-only arrays by module, in the network's order.

    A module is multiplied out on first access. Clients that can use low-rank pairs directly find the parts in ``base`` and
    ``rounds``.
    """

    def __init__(self, base: Mapping[str, Array], rounds: list[list[dict[str, Array | LowRank]]]):
        self.base = base
        self.rounds = rounds
        """The changes since the base: one list of terms for each round."""
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
        """Multiplies the module out without caching it, so that a large model needs memory for one module at a time."""
        value = self.base[name]
        for terms in self.rounds:
            own = [term[name] for term in terms if name in term]
            if not own:
                continue
            # The coordinator also adds in float64 and rounds at the end of each round.
            total = value.astype(np.float64)
            for change in own:
                total += dense(change)
            value = total.astype(value.dtype)
        value.flags.writeable = False
        return value


def dense(change: Array | LowRank) -> Array:
    """Multiplies the change out, in float64."""
    if isinstance(change, LowRank):
        product: Array = change.b.astype(np.float64) @ change.a.astype(np.float64)
        return product
    return change.astype(np.float64)


class Client:
    """A client of a federation.

    The host creates a new instance for every job, so instances keep no state between jobs. Keep data or a model that should
    persist in the module that creates the clients. That module is loaded before the host joins.
    """

    contaminations: ClassVar[Sequence[str]] = ()
    """The attacks on data that the client carries out when ``job.contamination`` says so, as `LABEL_ATTACKS`. A trial with any other
    attack on the data of external clients refuses the host before the first round."""

    cohort: int = 1
    """The largest number of clients that `train_cohort` takes. With 1, each client trains on its own."""

    def initial(self, job: Job) -> Delta:
        """Returns the params that all clients start from. Needed for trials with ``modules: from-first-host``."""
        raise NotImplementedError("this client has no initial params: name the modules in the trial file")

    def train(self, params: Params, job: Job) -> Update:
        """Trains from the params and returns their change."""
        raise NotImplementedError("this client does not train")

    @classmethod
    def train_cohort(cls, clients: Sequence[Client], params: Sequence[Params], jobs: Sequence[Job]) -> Sequence[Update]:
        """Trains several clients of a round in one computation, in place of their `train`, if `cohort` is above 1.

        A client's update must be the same with any other clients and alone, because a host combines whichever clients it has. If it
        raises an exception for several clients, or takes longer than `limits.clientSeconds` for each of them, it is called for each of
        them alone. By default, they train one after another.

        :returns: one update per client"""
        return [client.train(own, job) for client, own, job in zip(clients, params, jobs)]

    def evaluate(self, params: Params, job: Job) -> Update:
        """Evaluates the params on the client's own data."""
        raise NotImplementedError("this client does not measure")
