"""One server step for any training loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Iterator, Mapping, Sequence

import numpy as np
from fedclair_host.client import Array, LowRank, dense
from fedclair_host.codec import to_floats
from fedclair_host.text import printable
from safetensors.numpy import load_file, save_file

from .json_text import to_json
from .service import ask, shared_folder
from .tables import pandas

if TYPE_CHECKING:
    from pandas import DataFrame

Term = Mapping[str, "Array | LowRank"]


@dataclass(frozen=True)
class Aggregation:
    """What an aggregator returns for a round. Changes have the shapes, number types and devices of the first update's arrays."""

    round: int
    """The number of the round, counted from 1 by the state."""
    change: Mapping[str, Any]
    """The change of the params that all clients share, by module. Empty if there is none, as with personal models."""
    personal: Mapping[str, Mapping[str, Any]]
    """The changes of single clients' own params, by client id and module, for example with CLAIR's ``models="personal"``. They are added
    up when they are read."""
    state: bytes
    """What the aggregator remembers. Pass it to the next call. It can be stored, for example in a file."""
    metrics: Mapping[str, float]
    """What the aggregator measured, by name."""
    judged: Sequence[Mapping[str, Any]]
    """The verdicts as they are in records: ``clientId``, ``status``, ``pooled``, ``score``, ``threshold`` and more."""
    notice: str | None = None
    """A sentence about what may surprise, for example who claims far more examples than the others."""

    @property
    def flagged(self) -> list[str]:
        """The ids of the clients with the status ``contaminated``."""
        return [verdict["clientId"] for verdict in self.judged if verdict["status"] == "contaminated"]

    @cached_property
    def verdicts(self) -> DataFrame:
        """One row per client that was judged: client, status, pooled, score, threshold, reason, evidence and modules.
        Higher scores stand out more. A list in ``evidence`` has the pieces behind a score, one in ``modules`` those that differ most."""
        columns = ["client", "status", "pooled", "score", "threshold", "reason", "evidence", "modules"]
        rows = [{**verdict, "client": verdict["clientId"]} for verdict in self.judged]
        return pandas().DataFrame(rows).reindex(columns=columns)


def aggregate(
    updates: Mapping[str, Mapping[str, Any]],
    aggregator: str,
    *,
    state: bytes | None = None,
    examples: Mapping[str, int] | None = None,
    seed: int = 1,
    **options: Any,
) -> Aggregation:
    """Aggregates the updates of a round, as a trial would with the same aggregator, options, seed and round. Only CLAIR's option
    ``models`` differs: it is ``"global"`` by default, because refined changes may be worse than the clients' own.

    The first call starts a process of Node.js, which later calls use again. Arrays are handed over in safetensors files in memory
    (``/dev/shm``; on systems without it, in temporary files).

    :param updates: the changes by client id and module, in the order of the cohort: arrays of NumPy or PyTorch, each of its module's
        shape, or ``LowRank(b, a)``, a pair of arrays p×r and r×q. float32 and float64 are handed over as they are, narrower numbers
        as float32, integers as float64. A client with other modules or shapes than most, or with NaN or infinite numbers,
        gets the status ``invalid``, as does one whose update is of a wrong form.
    :param aggregator: its name, for example ``"clair"``, ``"fedavg"`` or ``"coordinate-median"``; ``fedclair plugins aggregators`` lists all
    :param state: ``state`` of the round before; default: this is the first round
    :param examples: number of examples by client id; default: 1 for each
    :param seed: seed of the aggregator's random numbers
    :param options: options of the aggregator, as ``rank=4``
    :raises FedclairError: for an unknown aggregator or option, or if no update can be aggregated
    :raises TypeError: if `updates` is not a dict whose client ids are texts, or no update has the right form"""
    if not isinstance(updates, Mapping):
        raise TypeError(f'updates: expected a dict of changes by client id, like {{"c00": {{"layer.weight": array}}}}, got {type(updates).__name__}')
    for client in updates:
        if not isinstance(client, str):
            raise TypeError(f"updates: expected client ids as texts, like 'c{client}', got {client!r}")
    if state is not None and not isinstance(state, bytes):
        raise TypeError(f"state: expected the bytes of an earlier result, got {type(state).__name__}")
    if examples is not None and not isinstance(examples, Mapping):
        raise TypeError(f'examples: expected a dict of numbers by client id, like {{"c00": 120, …}}, got {type(examples).__name__}')
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**53:
        raise TypeError(f"seed: expected an integer from 0 on, got {seed!r}")
    with shared_folder() as folder:
        place = Path(folder)
        sent, faults = [], {}
        for i, (client, delta) in enumerate(updates.items()):
            try:
                written = _write(place / f"update-{i}", delta)
                sent.append({"clientId": client, "numExamples": _count(examples, client), **written})
            except Exception as error:  # whatever a client has sent: it alone is invalid
                faults[client] = error
        if faults and not sent:
            raise TypeError(f"{next(iter(faults))}: {next(iter(faults.values()))}")
        request = {
            "call": "aggregate",
            "aggregator": str(aggregator),
            "set": option_words(options),
            "seed": int(seed),
            "updates": sent,
            "state": None if state is None else _store(place / "state", state),
            "out": str(place / "result"),
            "newState": str(place / "new-state"),
        }
        found = ask(request)
        tensors = load_file(place / "result")
        new_state = (place / "new-state").read_bytes()
    # The first client with a module decides, and the last assignment holds.
    read = [delta for client, delta in updates.items() if client not in faults]
    returns = {module: _like(change) for delta in reversed(read) for module, change in delta.items()}
    personal = {client: [_to_term(term, tensors) for term in terms] for client, terms in found["personal"]}
    return Aggregation(
        round=found["round"],
        change=_add_up([_to_term(term, tensors) for term in found["change"]], returns),
        personal=_Personal(personal, returns),
        state=new_state,
        metrics=found["metrics"],
        judged=_with_faults(list(updates), found["verdicts"], faults),
        notice=found["notice"],
    )


def _count(examples: Mapping[str, int] | None, client: str) -> int:
    """The number of examples of a client. :raises TypeError: if it is none"""
    count: Any = 1 if examples is None else examples.get(client)
    if isinstance(count, (int, float, np.integer, np.floating)) and count == count and 1 <= count < 2**53:
        return int(count)
    raise TypeError(f"examples: expected a number from 1 on, got {printable(repr(count), 80)}")


def _with_faults(
    clients: Sequence[str], verdicts: Sequence[Mapping[str, Any]], faults: Mapping[str, Exception]
) -> Sequence[Mapping[str, Any]]:
    """Adds the verdicts about clients whose updates cannot be handed over, in the order of the cohort."""
    known = {verdict["clientId"]: verdict for verdict in verdicts}
    for client, fault in faults.items():
        known[client] = {"clientId": client, "status": "invalid", "pooled": False, "reason": printable(str(fault), 500)}
    return [known[client] for client in clients if client in known] if faults else verdicts


def option_words(options: Mapping[str, Any]) -> list[str]:
    """Writes options as the command takes them: ``rank=4``."""
    return [f"{name}={to_json(value, name)}" for name, value in options.items()]


class _Personal(Mapping[str, Mapping[str, Any]]):
    """Adds up the terms of a client when they are read: a thousand clients may share most of them."""

    def __init__(self, terms: Mapping[str, list[Term]], returns: Mapping[str, Callable[[Array], Any]]):
        self._terms, self._returns = terms, returns

    def __getitem__(self, client: str) -> Mapping[str, Any]:
        return _add_up(self._terms[client], self._returns)

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)


def _write(file: Path, delta: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the tensors of a change. :returns: the file, and the names of the tensors of each module in it"""
    if not isinstance(delta, Mapping):
        raise TypeError(f"expected a dict of changes by module, got {type(delta).__name__}")
    tensors: dict[str, Array] = {}
    modules = []
    for module, change in delta.items():
        if not isinstance(module, str):
            raise TypeError(f"expected names of modules as texts, got {module!r}")
        if isinstance(change, tuple) and len(change) != 2:
            raise TypeError(f"module {module!r}: got a tuple of {len(change)}, expected an array, or LowRank(b, a)")
        names = []
        for part in change if isinstance(change, tuple) else (change,):
            names.append(str(len(tensors)))
            tensors[names[-1]] = to_floats(module, _to_numpy(part))
        modules.append([module, names])
    save_file(tensors, file)
    return {"file": str(file), "delta": modules}


def _store(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return str(file)


def _to_term(named: Sequence[tuple[str, list[str]]], tensors: Mapping[str, Array]) -> Term:
    return {
        module: LowRank(tensors[names[0]], tensors[names[1]]) if len(names) == 2 else tensors[names[0]] for module, names in named
    }


def _add_up(terms: Sequence[Term], returns: Mapping[str, Callable[[Array], Any]]) -> dict[str, Any]:
    """Adds terms in float64, as the coordinator does."""
    total: dict[str, Array] = {}
    for term in terms:
        for module, change in term.items():
            total[module] = dense(change) if module not in total else total[module] + dense(change)
    return {module: returns[module](change) for module, change in total.items()}


def _to_numpy(value: Any) -> Array:
    if hasattr(value, "detach"):  # a tensor of PyTorch, which may have numbers that NumPy lacks
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() and value.element_size() < 4 else value
    return np.asarray(value)


def _like(change: Any) -> Callable[[Array], Any]:
    """Returns a function that gives a sum in float64 the type of a client's array."""
    sample = change[0] if isinstance(change, tuple) else change
    if hasattr(sample, "detach"):
        import torch

        return lambda array: torch.from_numpy(array).to(device=sample.device, dtype=sample.dtype)
    kind = np.asarray(sample).dtype
    return lambda array: array.astype(kind if kind.kind == "f" else np.float64)
