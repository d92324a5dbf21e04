"""Reads the replies of Flower clients that train LoRA adapters. Each is judged alone, so that one of a wrong form fails no round."""

from __future__ import annotations

import contextlib
import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Sequence

import numpy as np
from flwr.app import Message

from .client import Array
from .text import printable

_PAIR = re.compile(r"^(?P<module>.+)\.lora_(?P<half>[AB])(?:\.[^.]+)?\.weight$")


class WrongForm(Exception):
    """A reply has a wrong form."""


@dataclass(frozen=True)
class Trained:
    """What a client has sent after training."""

    tensors: Mapping[str, Array]
    """The tensors of its adapter, by the names that files have."""
    examples: int


def name_in_file(key: str) -> str | None:
    """Returns the name of a tensor in a file, without that of the adapter; None if it is no half of a LoRA pair."""
    match = _PAIR.match(key)
    return None if match is None else f"{match['module']}.lora_{match['half']}.weight"


@contextlib.contextmanager
def _wrong_form() -> Iterator[None]:
    """Raises WrongForm for any error, as arrays that cannot be decoded or numbers that are too large raise what they like."""
    try:
        yield
    except WrongForm:
        raise
    except Exception as error:
        raise WrongForm(printable(f"{type(error).__name__}: {error}", 300)) from None


@_wrong_form()
def read_trained(reply: Message, names: Mapping[str, str], weighted_by: str) -> Trained:
    """Reads a reply to training.

    :param names: for each name in a file, that which clients use
    :raises WrongForm: if it has another form"""
    return Trained(_read_tensors(reply, names), read_examples(reply, weighted_by))


def _read_tensors(reply: Message, names: Mapping[str, str]) -> dict[str, Array]:
    records = list(reply.content.array_records.values())
    if len(records) != 1:
        raise WrongForm(f"it sent {len(records)} ArrayRecords, expected one")
    (arrays,) = records
    wanted = set(names.values())
    if set(arrays) != wanted:
        wrong = sorted(set(arrays) - wanted) + sorted(wanted - set(arrays))
        which = "unexpected" if wrong[0] in arrays else "missing"
        raise WrongForm(f"tensor {printable(repr(wrong[0]), 200)} is {which}: expected those that the server sent, {len(wanted)} in all")
    tensors: dict[str, Array] = {}
    for in_file, key in names.items():
        array = arrays[key].numpy()
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.itemsize > 8:
            raise WrongForm(f"tensor '{key}': expected an array of floating-point numbers of 16 to 64 bits, got {getattr(array, 'dtype', type(array).__name__)}")
        tensors[in_file] = np.ascontiguousarray(array)
    return tensors


@_wrong_form()
def read_examples(reply: Message, weighted_by: str) -> int:
    """Reads the number of examples of a reply. :raises WrongForm: if there is none"""
    records = list(reply.content.metric_records.values())
    if len(records) != 1:
        raise WrongForm(f"it sent {len(records)} MetricRecords, expected one")
    count: Any = records[0].get(weighted_by)
    if type(count) in (int, float) and 1 <= count < 2**53:
        return int(count)
    raise WrongForm(f"metric '{weighted_by}': expected a number from 1 to 2⁵³ - 1, got {printable(repr(count), 80)}")


def with_usual_metrics(replies: Sequence[Message]) -> list[Message]:
    """Returns the replies whose metrics have the names and forms that most have, finite or not: only those have a mean."""
    forms = [_metric_form(reply) for reply in replies]
    if not forms:
        return []
    ((usual, _),) = Counter(forms).most_common(1)
    return [reply for reply, form in zip(replies, forms) if form == usual]


def _metric_form(reply: Message) -> tuple[Any, ...]:
    (record,) = reply.content.metric_records.values()
    (name,) = reply.content.metric_records
    return name, *sorted((key, len(value) if isinstance(value, list) else -1, _is_finite(value)) for key, value in record.items())


def _is_finite(value: Any) -> bool:
    """Whether a metric is made of numbers that fit a float."""
    numbers = value if isinstance(value, list) else [value]
    return all(type(one) in (int, float) and abs(one) <= sys.float_info.max for one in numbers)


def usual_names(replies: Iterable[Message]) -> dict[str, str]:
    """Returns the names of tensors in files, with those that most replies use for them."""
    forms = Counter(
        frozenset(key for arrays in reply.content.array_records.values() for key in arrays) for reply in replies
    )
    for keys, _ in forms.most_common():
        names = {in_file: key for key in keys if (in_file := name_in_file(key))}
        if names and len(names) == len(keys):
            return dict(sorted(names.items()))
    return {}
