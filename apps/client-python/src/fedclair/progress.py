"""Shows the progress of a run."""

from __future__ import annotations

import json
import re
import sys
import warnings
from typing import Any

_IN_ALL = re.compile(r"^(\d+) rounds in all$")
_ROUND = re.compile(r"^.+ round \d+(:|$)")
_WARNING = 40
"""Level of warnings in log lines."""


class Progress:
    """Shows the lines that a command prints on stderr: rounds as a bar in terminals and notebooks, and all else as it is."""

    def __init__(self, is_shown: bool):
        self._is_shown = is_shown
        self._has_bar = is_shown and (sys.stderr.isatty() or "ipykernel" in sys.modules)
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, line: str) -> None:
        """:param line: a line of stderr"""
        if not self._is_shown:
            return
        text = line.rstrip("\n")
        in_all = _IN_ALL.match(text)
        if self._has_bar and in_all:
            self._bar = _create_bar(int(in_all[1]))
        elif self._bar is not None and _ROUND.match(text):
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update()
        else:
            self._print(message_of(text))

    def _print(self, text: str) -> None:
        if text == "":
            return
        if self._bar is not None:
            self._bar.clear()
        print(text, file=sys.stderr, flush=True)


def _create_bar(rounds: int) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a notebook without ipywidgets has a bar of text
        from tqdm.auto import tqdm
    return tqdm(total=rounds, unit="round", file=sys.stderr)


def message_of(text: str) -> str:
    """Returns the message of a JSON line of the log, which is empty below a warning, or the text itself.

    :param text: a line without its end"""
    if not text.startswith("{"):
        return text
    try:
        entry = json.loads(text)
        return str(entry["msg"]) if entry["level"] >= _WARNING else ""
    except (ValueError, KeyError, TypeError):
        return text
