"""Reads what a coordinator sends in its Welcome, which nothing but its address vouches for."""

from __future__ import annotations

import json
from typing import Any, Mapping

from .errors import HostError

#: The bounds of a trial file.
_most_seconds, _most_frame_bytes, _most_message_bytes = 2_000_000, 64 << 20, 1 << 30


def read_trial(url: str, text: str) -> Mapping[str, Any]:
    """Parses a trial. :raises HostError: if it is not what this host needs of one"""
    try:
        trial = json.loads(text)
    except (ValueError, RecursionError):
        raise HostError(f"{url}: expected a trial as JSON: this is no coordinator of this release") from None
    for name, part in (("trial", trial), ("task", _get(trial, "task")), ("limits", _get(trial, "limits"))):
        if not isinstance(part, dict):
            raise HostError(f"{url}: {name}: expected an object in the trial, got {type(part).__name__}: this is no coordinator of this release")
    for name in ("clientSeconds", "answerSeconds"):
        seconds = trial["limits"].get(name, 1) if "limits" in trial else 1
        if type(seconds) not in (int, float) or not 0 < seconds <= _most_seconds:
            raise HostError(f"{url}: limits.{name}: expected seconds up to {_most_seconds} in the trial, got {str(seconds)[:80]!r}")
    parsed: Mapping[str, Any] = trial
    return parsed


def _get(trial: Any, name: str) -> Any:
    return trial.get(name, {}) if isinstance(trial, dict) else {}


def check_limits(url: str, frame_bytes: int, message_bytes: int) -> None:
    """:raises HostError: for limits that no trial has"""
    for name, size, most in (("a frame", frame_bytes, _most_frame_bytes), ("a message", message_bytes, _most_message_bytes)):
        if not 0 < size <= most:
            raise HostError(f"{url}: expected a limit of 1 to {most} bytes for {name}, got {size}: this is no coordinator of this release")
