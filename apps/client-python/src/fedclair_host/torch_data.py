"""Datasets of torch as clients train on them: contaminated, in random order, and without a loader where the data are in tensors."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from .attacks import TRIGGERS, Contaminated, contaminate_labels, plant_trigger, triggered


class ContaminatedDataset(Dataset[Any]):
    """A map-style dataset of pairs (input, target) as a contaminated client sees it: the same samples with contaminated targets, or
    some of them with a trigger. Use it for training only."""

    def __init__(self, dataset: Any, classes: int, job: Contaminated):
        """:param dataset: its targets are class indices 0 … classes - 1 of any number type, as `BCEWithLogitsLoss` needs floats, and one
            or more per sample; they are read from its attribute `targets` if it has one
        :raises ValueError: for other targets"""
        self.clean = dataset
        """The dataset without contamination."""
        self._contamination = job.contamination
        given = _targets_of(dataset)
        targets = given.numpy().astype(np.int64)
        wrong = given[(given != torch.from_numpy(targets)) | (given < 0) | (given >= classes)].flatten()
        if len(wrong) > 0:
            got = f"{wrong[0].item():g}"
            raise ValueError(f"attacks on data: expected targets that are classes from 0 to {classes - 1}, got {got}: set classes, or attack updates")
        self._planted = np.zeros(len(targets), dtype=bool)
        if job.contamination is not None and job.contamination.kind in TRIGGERS:
            self._planted = triggered(len(targets), classes, job.contamination)
            targets[self._planted] = job.contamination.options["target"]
        self._targets = torch.from_numpy(contaminate_labels(targets, classes, job)).to(given.dtype)

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        sample = self.clean[index][0]
        if self._contamination is not None and self._planted[index]:
            sample = plant_trigger(sample, self._contamination)
        return sample, self._targets[index]

    def tensors(self) -> tuple[Any, Any] | None:
        """Returns all inputs and targets if the dataset holds its data in tensors."""
        clean = held_in_tensors(self.clean)
        if clean is None:
            return None
        inputs = clean[0]
        if self._contamination is not None and self._planted.any():
            inputs = inputs.clone()
            planted = torch.from_numpy(self._planted)
            inputs[planted] = plant_trigger(inputs[planted], self._contamination)
        return inputs, self._targets


def _targets_of(dataset: Any) -> Any:
    """Returns all targets in a tensor."""
    held = held_in_tensors(dataset)
    if held is not None:
        return held[1].cpu()
    targets: Any = getattr(dataset, "targets", None)  # of torchvision's, where reading a sample decodes an image
    if targets is None:
        targets = [np.asarray(dataset[i][1]) for i in range(len(dataset))]
    return targets.cpu() if torch.is_tensor(targets) else torch.as_tensor(np.asarray(targets))


def lies_in_tensors(data: Any) -> bool:
    """Whether `held_in_tensors` finds the tensors of a dataset. Then its samples are the same at every access."""
    if isinstance(data, ContaminatedDataset):
        return lies_in_tensors(data.clean)
    if type(data) is Subset:
        return lies_in_tensors(data.dataset)
    # A subclass may return something else for an index.
    return type(data) is TensorDataset and len(data.tensors) == 2


def held_in_tensors(data: Any) -> tuple[Any, Any] | None:
    """Returns inputs and targets of a dataset whose samples lie in two tensors, or None. Then batches can be cut out of the tensors,
    which is ten times as fast as a loader that collects single samples."""
    if isinstance(data, ContaminatedDataset):
        return data.tensors()
    if not lies_in_tensors(data):
        return None
    if type(data) is TensorDataset:
        return data.tensors[0], data.tensors[1]
    whole = held_in_tensors(data.dataset)
    assert whole is not None
    chosen = torch.as_tensor(data.indices, dtype=torch.int64)
    return whole[0][chosen], whole[1][chosen]


def shuffled(data: Any, batch_size: int, draw: Any, workers: int) -> Iterator[tuple[Any, Any]]:
    """Yields the batches of one pass in random order, the last one with what is left.

    :param draw: the `torch.Generator` of the order, which is the same for every kind of dataset"""
    places = torch.randperm(len(data), generator=draw).split(batch_size)
    held = held_in_tensors(data) if workers == 0 else None
    if held is None:
        order = [batch.tolist() for batch in places]
        own = torch.Generator()
        own.set_state(draw.get_state())  # a loader draws a number itself, for its workers: another one in each pass
        yield from DataLoader(data, batch_sampler=order, generator=own, num_workers=workers)
    else:
        for batch in places:
            yield held[0][batch], held[1][batch]


def in_order(data: Any, batch_size: int, workers: int) -> Iterator[tuple[Any, Any]]:
    """Yields the batches of a dataset in its own order."""
    held = held_in_tensors(data) if workers == 0 else None
    if held is None:
        yield from DataLoader(data, batch_size=batch_size, num_workers=workers)
    else:
        yield from zip(held[0].split(batch_size), held[1].split(batch_size))
