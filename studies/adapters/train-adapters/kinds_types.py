"""Types for kinds of adapters: how a model gets an adapter, and how it is saved."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peft import PeftConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel

Prepare = Callable[[PreTrainedModel, list[list[int]]], PeftModel]
"""Returns a model with an adapter, from a base and the client's sequences. It may change both."""

Save = Callable[[PeftModel, Path], None]


def save_plainly(model: PeftModel, folder: Path) -> None:
    """Saves with peft's defaults."""
    model.save_pretrained(folder)


@dataclass(frozen=True)
class Kind:
    """One kind of adapter."""

    prepare: Prepare
    save: Save = save_plainly
    rate: float = 2e-3
    base: Callable[[str], PreTrainedModel] | None = None
    """Loads another base than the pile's, if the kind needs one, from the name of the pile's base."""

    @staticmethod
    def slug(name: str) -> str:
        """The name of its folder."""
        return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def with_config(make: Callable[[], PeftConfig]) -> Prepare:
    """Uses `get_peft_model`. Each client gets a new configuration because peft writes into it."""
    return lambda base, _data: get_peft_model(base, make())
