"""Writes values as JSON, those of NumPy and PyTorch and paths included."""

from __future__ import annotations

import json
from os import PathLike, fspath
from typing import Any


def to_json(value: Any, name: str) -> str:
    """Writes a value, for example of a trial, in which numbers may be NumPy's. JSON is YAML too.
    :param name: what it is, for the error
    :raises TypeError: for something that JSON has no form for"""
    try:
        return json.dumps(value, default=_plain)
    except TypeError as error:
        raise TypeError(f"{name}: {error}: expected numbers, texts, lists and dicts of these") from None


def _plain(value: Any) -> Any:
    if isinstance(value, PathLike):
        return fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()  # also of a single number
    raise TypeError(f"{type(value).__name__} cannot be written")
