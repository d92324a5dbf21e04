"""Clients that train a torch module. The params of the federation are the module's state dict: its parameters, and its floating
buffers unless they stay at home."""

from __future__ import annotations

import time
from typing import Any, Callable, Iterable, Literal, Mapping
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .client import Array, Client, Delta, Job, Params, Update
from .device import to_device
from .contaminate import DATA_ATTACKS, TRIGGERS, contaminate_labels, plant_trigger, triggered

Loss = Callable[[Any, Any], Any]
"""Takes outputs and targets of a batch, and returns the mean loss."""

Metric = Callable[[Any, Any], float]
"""Takes outputs and targets of a batch, and returns the mean over the batch."""

_SHARE_OF_LIMIT = 0.8
"""Training stops after this share of `limits.clientSeconds`: a client that takes longer fails."""


class TorchClient(Client):
    """A client that trains a torch module on a dataset of pairs (input, target).

    All clients of a host take turns with one module, whatever their number. Nothing that one client learns is left for the next one:
    the module gets the job's params first, and every buffer that is not among them its original value.
    """

    backend = "python-torch"
    contaminations = DATA_ATTACKS

    def __init__(
        self,
        model: Any,
        data: Any,
        loss: Loss,
        *,
        held_out: Any = None,
        optimizer: Callable[[Iterable[Any]], Any] = lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        epochs: int = 1,
        batch_size: int = 32,
        workers: int = 0,
        batch_norm: Literal["shared", "reset"] = "shared",
        metrics: Mapping[str, Metric] | None = None,
        classes: int | None = None,
    ):
        """:param model: a torch module, created once per process; `fedclair-host --device` moves it
        :param data: a torch dataset of pairs (input, target) to train on
        :param held_out: a dataset to evaluate on; default: `data`
        :param optimizer: creates the optimizer of one job from the trained parameters
        :param epochs: passes over the data per round; fewer if `limits.clientSeconds` would be exceeded
        :param batch_size: samples per step, and per batch of an evaluation
        :param workers: processes that load the data
        :param batch_norm: what becomes of running means and variances: "shared" averages them over clients as it does parameters, "reset"
            starts every job from their original values and sends none
        :param metrics: further metrics of an evaluation, by name
        :param classes: number of classes of the targets, for attacks on data; default: the size of the model's outputs"""
        if epochs < 1 or batch_size < 1:
            raise ValueError(f"expected at least 1 epoch and 1 sample per batch, got epochs={epochs}, batch_size={batch_size}")
        if batch_norm not in ("shared", "reset"):
            raise ValueError(f'batch_norm: expected "shared" or "reset", got {batch_norm!r}')
        self._model = to_device(model)
        self._data = data
        self._loss = loss
        self._held_out = data if held_out is None else held_out
        self._optimizer = optimizer
        self._epochs = epochs
        self._batch_size = batch_size
        self._workers = workers
        self._shares_buffers = batch_norm == "shared"
        self._metrics = {} if metrics is None else metrics
        self._classes = classes
        self._original = _original_state(self._model)

    def initial(self, job: Job) -> Delta:
        """Returns the state of the module when the first client was created."""
        return {name: _to_array(self._original[name]) for name in self._names()}

    def train(self, params: Params, job: Job) -> Update:
        self._load(params)
        model, until = self._model, time.monotonic() + _SHARE_OF_LIMIT * _seconds_of(job)
        model.train()
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = self._optimizer(trained)
        losses: list[float] = []
        with torch.random.fork_rng():
            torch.manual_seed(job.seed)  # for dropout and the order of the samples
            order = torch.Generator().manual_seed(job.seed)
            data = self._data if job.contamination is None else ContaminatedDataset(self._data, self._count_classes(), job)
            loader = DataLoader(data, batch_size=self._batch_size, shuffle=True, generator=order, num_workers=self._workers)
            for _ in range(self._epochs):
                for inputs, targets in loader:
                    loss = self._loss(model(self._move(inputs)), self._move(targets))
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    losses.append(float(loss.detach()))
                    if time.monotonic() > until:
                        break
                else:
                    continue
                break
        last = losses[-max(1, len(losses) // self._epochs) :]
        state = model.state_dict()
        delta = {name: _to_array(state[name]) - params[name] for name in self._names()}
        return Update(len(self._data), delta, {"loss": sum(last) / len(last), "steps": float(len(losses))})

    def evaluate(self, params: Params, job: Job) -> Update:
        self._load(params)
        self._model.eval()
        totals = dict.fromkeys(["loss", *self._metrics], 0.0)
        count = 0
        with torch.no_grad():
            for inputs, targets in DataLoader(self._held_out, batch_size=self._batch_size, num_workers=self._workers):
                outputs, wanted = self._model(self._move(inputs)), self._move(targets)
                size = len(wanted)
                count += size
                totals["loss"] += float(self._loss(outputs, wanted)) * size
                for name, metric in self._metrics.items():
                    totals[name] += float(metric(outputs, wanted)) * size
        return Update(count, metrics={name: total / count for name, total in totals.items()})

    def _names(self) -> list[str]:
        """The names of what is sent, in the order of the state dict. Counters are not: they have no mean."""
        parameters = {name for name, _ in self._model.named_parameters(remove_duplicate=False)}
        return [
            name
            for name, tensor in self._original.items()
            if tensor.is_floating_point() and (name in parameters or self._shares_buffers)
        ]

    def _load(self, params: Params) -> None:
        sent = {name: torch.from_numpy(np.array(params.resolve(name))) for name in self._names()}
        self._model.load_state_dict({**self._original, **sent})

    def _count_classes(self) -> int:
        if self._classes is not None:
            return self._classes
        sample, _ = self._data[0]
        self._model.eval()  # a batch of one has no variance
        with torch.no_grad():
            outputs = self._model(self._move(torch.as_tensor(sample)[None]))
        self._model.train()
        return int(outputs.shape[1])

    def _move(self, batch: Any) -> Any:
        parameter = next(self._model.parameters())
        return batch.to(parameter.device)


class ContaminatedDataset(Dataset[Any]):
    """A map-style dataset of pairs (input, target) as a contaminated client sees it: the same samples with contaminated targets, or
    some of them with a trigger. Use it for training only."""

    def __init__(self, dataset: Any, classes: int, job: Job):
        """:param dataset: its targets are class indices 0 … classes - 1; they are read from its attribute `targets` if it has one"""
        self._dataset = dataset
        self._contamination = job.contamination
        targets = np.array([int(target) for target in _targets_of(dataset)], dtype=np.int64)
        self._planted = np.zeros(len(targets), dtype=bool)
        if job.contamination is not None and job.contamination.kind in TRIGGERS:
            self._planted = triggered(len(targets), classes, job.contamination)
            targets[self._planted] = job.contamination.options["target"]
        self._targets = torch.from_numpy(contaminate_labels(targets, classes, job))

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        sample = self._dataset[index][0]
        if self._contamination is not None and self._planted[index]:
            sample = plant_trigger(sample, self._contamination)
        return sample, self._targets[index]


def _targets_of(dataset: Any) -> Iterable[Any]:
    targets = getattr(dataset, "targets", None)  # of torchvision's, where reading a sample decodes an image
    return (dataset[i][1] for i in range(len(dataset))) if targets is None else targets


def accuracy(outputs: Any, targets: Any) -> float:
    """The share of samples whose largest output is that of the target: a metric for classifications."""
    return float((outputs.argmax(dim=1) == targets).float().mean())


_states: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


def _original_state(model: Any) -> dict[str, Any]:
    """Returns the state that a module had when it was seen first."""
    known = _states.get(model)
    if known is None:
        known = _states[model] = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    return known


def _to_array(tensor: Any) -> Array:
    """:raises ValueError: for a number type that NumPy lacks"""
    if tensor.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"expected parameters in float32 or float64, got {tensor.dtype}: convert the model by model.float()")
    array: Array = tensor.detach().cpu().numpy().copy()
    return array


def _seconds_of(job: Job) -> float:
    return float(job.trial.get("limits", {}).get("clientSeconds", 30))
