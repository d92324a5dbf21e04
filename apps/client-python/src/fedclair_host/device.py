"""The device that this host's clients compute on, chosen by ``fedclair-host --device``."""

from __future__ import annotations

from typing import Any

CHOICES = ("cpu", "cuda", "auto")

_chosen: str | None = None


class DeviceMissing(Exception):
    """The chosen device is not there."""


def choose_device(choice: str) -> str:
    """Chooses the device of this process. :returns: "cpu" or "cuda"; auto is "cuda" where PyTorch finds a GPU
    :raises DeviceMissing: if the choice is cuda and PyTorch finds no GPU"""
    global _chosen
    has_gpu = choice != "cpu" and _has_gpu()
    if choice == "cuda" and not has_gpu:
        raise DeviceMissing("--device cuda: PyTorch finds no GPU here: choose cpu or auto")
    _chosen = "cuda" if has_gpu else "cpu"
    return _chosen


def to_device(model: Any) -> Any:
    """Moves a torch module to the chosen device; without a choice it stays where it is."""
    return model if _chosen is None else model.to(_chosen)


def _has_gpu() -> bool:
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())
