"""What a kind of adapter is: how a model gets one, and how it is saved."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from peft import PeftConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel

Prepare = Callable[[PreTrainedModel, list[list[int]]], PeftModel]
"""From a base and sequences of its own, both of which it may change, to a model with an adapter."""

Save = Callable[[PeftModel, Path], None]


def save_plainly(model: PeftModel, folder: Path) -> None:
    """As peft does it when told nothing."""
    model.save_pretrained(folder)


@dataclass(frozen=True)
class Kind:
    """One kind of adapter."""

    prepare: Prepare
    save: Save = save_plainly
    rate: float = 2e-3
    base: Callable[[str], PreTrainedModel] | None = None
    """Another base than the pile's, where the kind takes one; from the name of the pile's."""

    @staticmethod
    def slug(name: str) -> str:
        """Its folder."""
        return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def with_config(make: Callable[[], PeftConfig]) -> Prepare:
    """The plain way: `get_peft_model`. The configuration is made anew for each client, as peft writes into it."""
    return lambda base, _data: get_peft_model(base, make())
