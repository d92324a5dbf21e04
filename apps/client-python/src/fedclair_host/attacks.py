"""Contaminates the data of clients as the trial file says, with the numbers that a simulated client would draw."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .client import Array, Contamination

LABEL_ATTACKS = ("label-flip", "label-noise", "random-targets", "target-shift")
"""The attacks that `contaminate_labels` carries out."""

_OPTIONS = {
    "image-trigger": ("target", "fraction", "size", "value"),
    "text-trigger": ("target", "fraction", "tokens"),
}

TRIGGERS = tuple(_OPTIONS)
"""The kinds of ``contaminated-data`` that `contaminate` also carries out (Gu et al. 2017, arXiv 1708.06733)."""

DATA_ATTACKS = (*LABEL_ATTACKS, *TRIGGERS)
"""All attacks that `contaminate` carries out."""


class Contaminated(Protocol):
    """Anything that says how a client contaminates its data: a `Job`, or what `fedclair_host.flower.job_of` returns."""

    @property
    def contamination(self) -> Contamination | None: ...


def contaminate_labels(labels: Any, classes: int, job: Contaminated) -> Array:
    """Contaminates the labels of training if an attack on labels is the job's. Call it once per job, with all labels in one array.

    :param labels: class indices 0 … classes - 1 of any number type, an array of any shape
    :returns: an array like `labels`, or `labels` itself if they stay as they are
    :raises ValueError: if an attack shall change other numbers, such as the targets of a regression"""
    given: Array = np.asarray(labels)
    contamination = job.contamination
    if contamination is None or contamination.kind not in LABEL_ATTACKS:
        return given
    wrong = given[(given != np.floor(given)) | (given < 0) | (given >= classes)]
    if wrong.size > 0:
        got = f"{wrong.flat[0]:g}"
        raise ValueError(f"{contamination.kind}: expected labels that are classes from 0 to {classes - 1}, got {got}; attack updates instead")
    kind, options, rng = contamination.kind, contamination.options, contamination.rng.at("labels")
    if kind == "label-flip":
        if classes < 2:
            raise ValueError(f"label-flip: {classes} class has nothing to flip to; use two or more")
        return (classes - 1 - given).astype(given.dtype)
    if kind == "target-shift":
        shift = int(options["shift"])
        if shift % classes == 0:
            raise ValueError(
                f"target-shift: a shift of {shift} leaves the labels of {classes} classes as they are; choose one that is no multiple of {classes}"
            )
        return ((given + shift) % classes).astype(given.dtype)
    changed = given.copy()
    flat = changed.reshape(-1)
    probability = float(options["probability"]) if kind == "label-noise" else None
    for i in range(len(flat)):
        if probability is None or rng.uniform() < probability:
            flat[i] = rng.integer(classes)
    return changed


def contaminate(inputs: Any, labels: Any, classes: int, job: Contaminated) -> tuple[Array, Array]:
    """Contaminates the samples of training: their labels like `contaminate_labels`, or a part of them by a trigger.

    :param inputs: samples along the first axis; images end in height × width, texts are token ids
    :param labels: one class index 0 … classes - 1 per sample
    :returns: arrays like `inputs` and `labels`, or the same arrays if nothing changes"""
    x: Array = np.asarray(inputs)
    contamination = job.contamination
    if contamination is None or contamination.kind not in TRIGGERS:
        return x, contaminate_labels(labels, classes, job)
    y: Array = np.asarray(labels).copy()
    chosen = triggered(len(y), classes, contamination)
    x = x.copy()
    x[chosen] = plant_trigger(x[chosen], contamination)
    y[chosen] = contamination.options["target"]
    return x, y


def plant_trigger(samples: Any, contamination: Contamination) -> Any:
    """Returns a copy of samples with the trigger, for arrays and tensors: a square in the lower right corner of images, or the first
    tokens of texts.

    :param samples: one sample or several; images end in height × width, texts in tokens
    :param contamination: options ``size`` (3) and ``value`` (1.0) of an image-trigger, ``tokens`` of a text-trigger"""
    options = contamination.options
    planted = samples.clone() if hasattr(samples, "clone") else np.array(samples)
    if contamination.kind == "image-trigger":
        size = int(options.get("size", 3))
        planted[..., -size:, -size:] = options.get("value", 1.0)
        return planted
    for at, token in enumerate(trigger_tokens(contamination)):
        planted[..., at] = token
    return planted


def triggered(count: int, classes: int, contamination: Contamination) -> NDArray[np.bool_]:
    """Draws which of `count` samples have the trigger: each with probability ``fraction`` (0.5). Their label is ``target``."""
    target = contamination.options.get("target")
    if not isinstance(target, int) or not 0 <= target < classes:
        raise ValueError(f"{contamination.kind}: target: expected a class from 0 to {classes - 1}, got {target!r}")
    return draw_triggered(count, contamination)


def draw_triggered(count: int, contamination: Contamination) -> NDArray[np.bool_]:
    """As `triggered`, for any kind of ``target``."""
    known = _OPTIONS[contamination.kind]
    for name in contamination.options:
        if name not in known:
            raise ValueError(f"{contamination.kind}: {name!r}: expected any of the options {', '.join(known)}")
    fraction = contamination.options.get("fraction", 0.5)
    if not isinstance(fraction, (int, float)) or not 0 < fraction <= 1:
        raise ValueError(f"{contamination.kind}: fraction: expected more than 0 and at most 1, got {fraction!r}")
    rng = contamination.rng.at("contamination")
    return np.array([rng.uniform() < fraction for _ in range(count)], dtype=bool)


def trigger_tokens(contamination: Contamination) -> list[int]:
    """Returns the option ``tokens`` of a text-trigger."""
    tokens = contamination.options.get("tokens")
    if not isinstance(tokens, list) or not tokens or not all(isinstance(token, int) for token in tokens):
        raise ValueError(f"text-trigger: tokens: expected a list of token ids, as [7, 8], got {tokens!r}")
    return tokens
