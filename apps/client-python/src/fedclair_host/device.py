"""The device that this host's clients compute on, chosen by ``fedclair-host --device``."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Any

INDEX = "FEDCLAIR_HOST_INDEX"
"""Environment variable: the number of this host among those that `fedclair run` has started, which share the GPUs of a machine."""

_chosen: str | None = None


class DeviceMissing(Exception):
    """The chosen device is not there."""


def read_choice(text: str) -> str:
    """Reads the option ``--device``. :raises argparse.ArgumentTypeError: if it names no device"""
    if re.fullmatch(r"cpu|auto|cuda(:\d{1,4})?", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"expected cpu, cuda, cuda:0, cuda:1, … or auto, got {text!r}")
    return text


def choose_device(choice: str) -> str:
    """Chooses the device of this process. Hosts with the choice cuda or auto take turns with the GPUs.

    :returns: "cpu", "cuda" or "cuda:1", …; auto is a GPU where PyTorch finds one
    :raises DeviceMissing: if PyTorch does not find the GPU"""
    global _chosen
    count = 0 if choice == "cpu" else count_gpus()
    kind, _, number = choice.partition(":")
    if kind == "cuda" and count == 0:
        raise DeviceMissing(f"--device {choice}: PyTorch finds no GPU here: choose cpu or auto")
    if number and int(number) >= count:
        raise DeviceMissing(f"--device {choice}: PyTorch finds {count} GPUs here: choose one from cuda:0 to cuda:{count - 1}")
    if count > 0:
        _compute_repeatably()
    if number or count == 0:
        _chosen = choice if number else "cpu"
    else:
        _chosen = f"cuda:{int(os.environ.get(INDEX, 0)) % count}" if count > 1 else "cuda"
    return _chosen


def to_device(model: Any) -> Any:
    """Moves a torch module to the chosen device; without a choice it stays where it is."""
    return model if _chosen is None else model.to(_chosen)


def peak_memory() -> tuple[int, int]:
    """Returns the largest memory of this process so far, and of its tensors on GPUs, in bytes; 0 where it is unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return 0, 0
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return largest, 0
    return largest, sum(torch.cuda.max_memory_allocated(gpu) for gpu in range(torch.cuda.device_count()))


def _compute_repeatably() -> None:
    """Has PyTorch choose kernels on a GPU that round the same in every run. It warns about operations that have none."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False


def count_gpus() -> int:
    """Returns how many GPUs PyTorch finds; none where it is not installed."""
    try:
        import torch
    except ImportError:
        return 0
    return torch.cuda.device_count() if torch.cuda.is_available() else 0
