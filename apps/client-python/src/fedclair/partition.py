"""Divides samples among clients as trial files do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fedclair_host.client import Array
from numpy.typing import ArrayLike, NDArray

from .aggregate import option_words
from .service import ask, shared_folder


def partition(labels: ArrayLike, by: str, *, clients: int, seed: int = 1, withheld: int = 0, **options: Any) -> list[NDArray[np.int32]]:
    """Divides labelled samples among clients: the same shares as the option ``partition`` of a task whose ``dataSeed`` is ``seed``.

    :param labels: the class of every sample: integers of shape (samples,)
    :param by: ``"iid"``, ``"dirichlet"``, ``"shards"``, ``"quantity"`` or ``"drawn"``
    :param clients: number of clients
    :param withheld: number of samples that no client gets, as ``uniformDigits`` of the task ``digits``
    :param options: options of the partition, as ``alpha=0.3`` and ``minimum=10``; ``fedclair plugins tasks`` lists them with the
        tasks that have a partition
    :returns: the indices of each client's samples in ``labels``, in random order, as int32 of shape (samples of the client,)
    :raises FedclairError: for an unknown partition or option, or if there are too few samples
    :raises ValueError: if the labels are not integers of shape (samples,)"""
    classes = np.asarray(labels)
    if classes.ndim != 1 or classes.dtype.kind not in "iub":
        raise ValueError(f"labels: expected integers of shape (samples,), got {classes.dtype} of shape {classes.shape}")
    narrow: Array = classes.astype("<i4")
    if not np.array_equal(narrow, classes):
        raise ValueError("labels: expected integers below 2³¹")
    with shared_folder() as folder:
        place = Path(folder)
        narrow.tofile(place / "labels")
        request = {
            "call": "partition",
            "labels": str(place / "labels"),
            "by": by,
            "set": option_words(options),
            "clients": clients,
            "withheld": withheld,
            "seed": seed,
            "out": str(place / "parts"),
        }
        counts = ask(request)["counts"]
        parts = np.fromfile(place / "parts", "<i4")
    return np.split(parts, np.cumsum(counts)[:-1])
