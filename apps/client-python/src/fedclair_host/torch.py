"""Clients that train a torch module. The params of the federation are the module's state dict: its parameters, and its floating
buffers unless they stay at home."""

from __future__ import annotations

import time
from typing import Any, Callable, Iterable, Iterator, Literal, Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
import torch

from .client import Array, Bfloat16, Client, Delta, Job, Params, Update
from .device import to_device
from .attacks import DATA_ATTACKS
from .torch_cohort import check_cohort, train_together
from .torch_data import ContaminatedDataset, in_order, lies_in_tensors, shuffled
from .torch_seed import seeded

__all__ = ["ContaminatedDataset", "TorchClient", "accuracy"]

Loss = Callable[[Any, Any], Any]
"""Takes outputs and targets of a batch, and returns the mean loss."""

Metric = Callable[[Any, Any], float]
"""Takes outputs and targets of a batch, and returns the mean over the batch."""

_SHARE_OF_LIMIT = 0.8
"""Training stops after this share of `limits.clientSeconds`: a client that takes longer fails."""

_EVALUATION_BATCHES = 8
"""Batches of training in a batch of an evaluation, which keeps no activations for gradients."""


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
        cohort: int = 1,
    ):
        """:param model: a torch module, created once per process; `fedclair-host --device` moves it
        :param data: a torch dataset of pairs (input, target) to train on
        :param held_out: a dataset to evaluate on; default: `data`
        :param optimizer: creates the optimizer of one job from the trained parameters
        :param epochs: passes over the data per round; fewer if `limits.clientSeconds` would be exceeded
        :param batch_size: samples per step, fewer in the last one of a pass; with batch norm, a last one of a single sample is left out.
            An evaluation takes eight times as many
        :param workers: processes that load the data
        :param batch_norm: what becomes of running means and variances: "shared" averages them over clients as it does parameters, "reset"
            starts every job from their original values and sends none
        :param metrics: further metrics of an evaluation, by name
        :param classes: number of classes of the targets, for attacks on data; default: the size of the axis that the model's outputs have
            in addition to the targets', their last or their first one of a sample, or 2 if there is none
        :param cohort: clients that a host may train together, in one computation (`torch.func`). Results differ from those of one by
            one by rounding, and do not depend on which clients are together. Needs an optimizer that treats every number alike, and a model
            without convolutions, recurrent layers, batch norm and dropout"""
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
        self._metrics = {} if metrics is None else metrics
        self._classes = classes
        self.cohort = cohort
        self._has_batch_norm = any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in self._model.modules())
        if cohort > 1:
            check_cohort(self._model)
        self._original, self._unsaved, parameters = _original_state(self._model)
        #: What is sent, in the order of the state dict. Counters are not: they have no mean.
        self._names = [
            name
            for name, tensor in self._original.items()
            if (tensor.is_floating_point() and (name in parameters or batch_norm == "shared")) or (tensor.is_complex() and name in parameters)
        ]

    def initial(self, job: Job) -> Delta:
        """Returns the state of the module when the first client was created."""
        return {name: _to_array(self._original[name]) for name in self._names}

    def train(self, params: Params, job: Job) -> Update:
        start = self._state(params)
        self._set(start)
        model, until = self._model, time.monotonic() + _SHARE_OF_LIMIT * _seconds_of(job)
        model.train()
        device = self._device()
        optimizer = self._optimizer([parameter for parameter in model.parameters() if parameter.requires_grad])
        losses: list[Any] = []
        with seeded(device, job.seed, lies_in_tensors(self._data)):
            for inputs, targets in self._batches(job):
                loss = self._loss(model(inputs.to(device)), targets.to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
                if time.monotonic() > until:
                    break
        return self._to_update(start, losses, model.state_dict())

    @classmethod
    def train_cohort(cls, clients: Sequence[Client], params: Sequence[Params], jobs: Sequence[Job]) -> Sequence[Update]:
        own = [client for client in clients if isinstance(client, TorchClient)]
        first = own[0]
        states = [first._state(each) for each in params]
        first._set(states[0])  # for what is not sent
        first._model.train()
        batches = []
        for client, job in zip(own, jobs):
            with seeded(first._device(), job.seed, lies_in_tensors(client._data)):
                batches.append(list(client._batches(job)))
        trained = train_together(
            first._model,
            [{name: state[name] for name in first._names} for state in states],
            batches,
            first._loss,
            first._optimizer,
            time.monotonic() + _SHARE_OF_LIMIT * sum(_seconds_of(job) for job in jobs),
        )
        return [client._to_update(start, losses, state) for client, start, (state, losses) in zip(own, states, trained)]

    def evaluate(self, params: Params, job: Job) -> Update:
        self._set(self._state(params))
        self._model.eval()
        totals = dict.fromkeys(["loss", *self._metrics], 0.0)
        count = 0
        with torch.no_grad(), seeded(self._device(), job.seed, lies_in_tensors(self._held_out)):
            for inputs, targets in in_order(self._held_out, _EVALUATION_BATCHES * self._batch_size, self._workers):
                outputs, wanted = self._model(self._move(inputs)), self._move(targets)
                size = len(wanted)
                count += size
                totals["loss"] += float(self._loss(outputs, wanted)) * size
                for name, metric in self._metrics.items():
                    totals[name] += float(metric(outputs, wanted)) * size
        if count == 0:
            raise ValueError("held_out has no samples: give this client some, or leave held_out out to evaluate on data")
        return Update(count, metrics={name: total / count for name, total in totals.items()})

    def _batches(self, job: Job) -> Iterator[tuple[Any, Any]]:
        """Yields the batches of all epochs of a job."""
        if len(self._data) == 0:
            raise ValueError("data has no samples: give this client some, or leave it out of the trial")
        draw = torch.Generator().manual_seed(job.seed)
        data = self._data if job.contamination is None else ContaminatedDataset(self._data, self._count_classes(), job)
        for _ in range(self._epochs):
            for inputs, targets in shuffled(data, self._batch_size, draw, self._workers):
                # One sample has no variance, and PyTorch's batch norm refuses it.
                if len(targets) > 1 or len(data) == 1 or not self._has_batch_norm:
                    yield inputs, targets

    def _to_update(self, start: Mapping[str, Any], losses: Sequence[Any], state: Mapping[str, Any]) -> Update:
        """:param start: before training, as `_state` :param losses: of all steps :param state: after training, with everything that is sent"""
        last = torch.stack(list(losses[-max(1, len(losses) // self._epochs) :]))
        delta = {name: _to_array(state[name] - start[name]) for name in self._names}
        return Update(len(self._data), delta, {"loss": float(last.mean()), "steps": float(len(losses))})

    def _state(self, params: Params) -> dict[str, Any]:
        """The state of the module for a job: the params in the module's number types, and the original values of what is not sent."""
        return {**self._original, **{name: torch.from_numpy(np.array(params[name])).to(self._original[name]) for name in self._names}}

    def _set(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            tensors = self._model.state_dict()
            for name, value in state.items():
                tensors[name].copy_(value)
        for name, buffer in self._model.named_buffers():
            if name in self._unsaved:
                buffer.data = self._unsaved[name].clone()  # its shape may have changed, as that of a cache does

    def _count_classes(self) -> int:
        if self._classes is not None:
            return self._classes
        sample, target = self._data[0]
        self._model.eval()  # a batch of one has no variance
        with torch.no_grad():
            (output,) = self._model(self._move(torch.as_tensor(sample)[None]))
        self._model.train()
        shape, wanted = tuple(output.shape), np.shape(target)
        if shape == wanted or output.numel() == 1:
            return 2  # each output is the logit of the second of two classes
        return int(shape[-1] if shape[:-1] == wanted else shape[0])

    def _device(self) -> Any:
        return next(self._model.parameters()).device

    def _move(self, batch: Any) -> Any:
        return batch.to(self._device())


def accuracy(outputs: Any, targets: Any) -> float:
    """The share of targets whose output is the largest, along the axis that outputs have in addition: a metric for classifications. A
    single output per target, as for `BCEWithLogitsLoss`, is the logit of class 1 of two."""
    if outputs[0].numel() == 1 or outputs.shape == targets.shape:
        return float(((outputs.flatten() > 0) == (targets.flatten() > 0.5)).float().mean())
    axis = -1 if outputs.shape[:-1] == targets.shape else 1
    return float((outputs.argmax(dim=axis) == targets).float().mean())


_states: WeakKeyDictionary[Any, tuple[dict[str, Any], dict[str, Any], set[str]]] = WeakKeyDictionary()


def _original_state(model: Any) -> tuple[dict[str, Any], dict[str, Any], set[str]]:
    """Returns the state that a module had when it was seen first, its buffers that a state dict lacks (``persistent=False``), and the
    names of its parameters. What several modules share, such as tied embeddings, has its first name only."""
    known = _states.get(model)
    if known is None:
        parameters, buffers = dict(model.named_parameters()), dict(model.named_buffers())
        every = [*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)]
        shared = {name for name, _ in every} - set(parameters) - set(buffers)
        tensors = model.state_dict()
        state = {name: tensor.detach().clone() for name, tensor in tensors.items() if name not in shared}
        unsaved = {name: buffer.detach().clone() for name, buffer in buffers.items() if name not in tensors}
        known = _states[model] = state, unsaved, set(parameters)
    return known


def _to_array(tensor: Any) -> Array | Bfloat16:
    """Copies numbers. :raises ValueError: for a number type that cannot be sent"""
    if tensor.dtype not in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
        remedy = "hold real and imaginary parts as torch.view_as_real has them" if tensor.is_complex() else "convert the model by model.float()"
        raise ValueError(f"expected parameters in float32, float64, bfloat16 or float16, got {tensor.dtype}: {remedy}")
    own = tensor.detach().cpu()
    if own.dtype == torch.bfloat16:
        return Bfloat16(own.view(torch.int16).numpy().astype(np.uint16))
    array: Array = own.numpy().copy()
    return array


def _seconds_of(job: Job) -> float:
    return float(job.trial.get("limits", {}).get("clientSeconds", 30))
