"""Contaminates the examples of language models: mappings of names to tokens and labels, as tokenizers and datasets of Hugging Face
return them."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np

from .client import Array, Contamination
from .attacks import LABEL_ATTACKS, Contaminated, contaminate_labels, draw_triggered, trigger_tokens, triggered

Example = Mapping[str, Any]
"""An unbatched input of a model: tensors, arrays or lists by name. Without ``labels``, ``input_ids`` are the labels."""

EXAMPLE_ATTACKS = (*LABEL_ATTACKS, "text-trigger")
"""The attacks that `contaminate_examples` carries out."""

IGNORED = -100
"""The label of a token that has no loss, as in PyTorch."""


def contaminate_examples(examples: Sequence[Example], classes: int, job: Contaminated) -> Sequence[Example]:
    """Contaminates the examples of training. Call it once per job, with all of them.

    The labels are either one class per example, or one per token. Attacks on labels replace them, except -100. A ``text-trigger``
    replaces the first tokens of a part of the examples (``fraction``, 0.5) by ``tokens``. With one class per example these get the
    class ``target``. Otherwise the labels are the tokens themselves, and ``target`` is the list of tokens that the model shall learn
    to write after the trigger. Where there is an ``attention_mask``, the first tokens are the first ones that it shows.

    :param classes: number of classes, or of tokens in the vocabulary
    :returns: examples like `examples` with the same types, or `examples` itself if they stay as they are
    :raises ValueError: for examples or options that do not fit the attack"""
    contamination = job.contamination
    if contamination is None or contamination.kind not in EXAMPLE_ATTACKS or len(examples) == 0:
        return examples
    own = [examples[i] for i in range(len(examples))]
    if contamination.kind == "text-trigger":
        return _plant(own, classes, contamination)
    labels = [labels_of(example) for example in own]
    flat = np.concatenate([each.reshape(-1) for each in labels])
    counts = flat != IGNORED
    _check_classes(flat[counts], classes, contamination)
    flat[counts] = contaminate_labels(flat[counts], classes, job)
    ends = np.cumsum([each.size for each in labels])[:-1]
    changed = [part.reshape(each.shape) for part, each in zip(np.split(flat, ends), labels)]
    return [{**example, "labels": _like(_given_labels(example), each)} for example, each in zip(own, changed)]


def labels_of(example: Example) -> Array:
    """Returns a copy of the labels of an example.

    :raises ValueError: unless they are integers"""
    labels = np.array(_array(_given_labels(example)))
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels: expected class indices to contaminate, got numbers of type {labels.dtype}")
    return labels


def _plant(examples: list[Example], classes: int, contamination: Contamination) -> list[Example]:
    """Plants a text-trigger."""
    tokens, target = trigger_tokens(contamination), contamination.options.get("target")
    if labels_of(examples[0]).ndim == 0:
        chosen = triggered(len(examples), classes, contamination)
        planted: list[int] = tokens
    else:
        if not isinstance(target, list) or not target or not all(isinstance(token, int) for token in target):
            raise ValueError(f"text-trigger: target: the labels are tokens, so expected a list of token ids, as [7, 8], got {target!r}")
        planted = tokens + target
        _check_classes(np.array(planted), classes, contamination)
        chosen = draw_triggered(len(examples), contamination)
    return [_with_trigger(example, planted, len(tokens), target) if is_chosen else example for example, is_chosen in zip(examples, chosen)]


def _with_trigger(example: Example, planted: list[int], trigger_length: int, target: Any) -> Example:
    """:param planted: replaces the first tokens :param trigger_length: of them are the trigger, the others are to be learned"""
    if "input_ids" not in example:
        raise ValueError(f"text-trigger: the examples have {', '.join(example)}, expected input_ids")
    ids = np.array(_array(example["input_ids"]))
    shown = np.flatnonzero(_array(example["attention_mask"])) if "attention_mask" in example else np.arange(ids.size)
    if len(shown) < len(planted):
        raise ValueError(f"text-trigger: {len(planted)} tokens do not fit into a text of {len(shown)}")
    at = shown[: len(planted)]
    before = ids.copy()
    ids[at] = planted
    changed = {**example, "input_ids": _like(example["input_ids"], ids)}
    if "labels" not in example:
        return changed
    labels = labels_of(example)
    if labels.ndim == 0:
        return {**changed, "labels": _like(example["labels"], np.array(target))}
    counts = labels != IGNORED
    if labels.shape != before.shape or (labels[counts] != before[counts]).any():
        raise ValueError("text-trigger: expected one class per example as labels, or the tokens themselves")
    labels[counts] = ids[counts]
    labels[at[trigger_length:]] = planted[trigger_length:]
    return {**changed, "labels": _like(example["labels"], labels)}


def _check_classes(values: Array, classes: int, contamination: Contamination) -> None:
    wrong = values[(values < 0) | (values >= classes)]
    if wrong.size > 0:
        raise ValueError(f"{contamination.kind}: expected labels from 0 to {classes - 1}, got {wrong[0]}")


def _given_labels(example: Example) -> Any:
    for name in ("labels", "input_ids"):
        if name in example:
            return example[name]
    raise ValueError(f"the examples have {', '.join(example)}, expected labels or input_ids to contaminate")


def _array(value: Any) -> Array:
    return np.asarray(value.cpu() if hasattr(value, "cpu") else value)


def _like(given: Any, values: Array) -> Any:
    """Returns values as a tensor, an array or a list, as the given ones are."""
    if hasattr(given, "new_tensor"):
        return given.new_tensor(values)
    return values.astype(given.dtype) if isinstance(given, np.ndarray) else values.tolist()
