"""Seeds the random numbers of a job."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import Any, Iterator

import numpy as np
import torch


@contextmanager
def seeded(device: Any, seed: int, only_torch: bool = False) -> Iterator[None]:
    """Seeds the generators of Python, NumPy and PyTorch for a block, and restores them after it. Datasets that change their samples at
    random use any of them, and dropout uses PyTorch's.

    :param device: the `torch.device` of the model
    :param seed: below 2³²
    :param only_torch: leaves the two others as they are, which saves 0.2 ms of CPU"""
    of_python, of_numpy = (None, None) if only_torch else (random.getstate(), np.random.get_state())
    with torch.random.fork_rng([] if device.type == "cpu" else [device]):
        try:
            if not only_torch:
                random.seed(seed)
                np.random.seed(seed)
            # On a machine without GPUs, `torch.manual_seed` stores a traceback for each kind of accelerator at every call, which takes
            # as long as two steps of a small model and is never freed.
            torch.default_generator.manual_seed(seed)
            if device.type == "cuda":
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            yield
        finally:
            if of_python is not None and of_numpy is not None:
                random.setstate(of_python)
                np.random.set_state(of_numpy)
