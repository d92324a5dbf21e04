"""A base whose lower layers never change: texts go through them once, and training begins above."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

torch.set_num_threads(1)


class Skipped(torch.nn.Module):
    """Takes the place of a lower layer, whose output is the input already."""

    def forward(self, hidden_states: torch.Tensor, *_args: object, **_named: object) -> torch.Tensor:
        return hidden_states


def load(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A base in bfloat16 with its tokenizer."""
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.bfloat16, use_cache=False, attn_implementation="eager"
    )
    return model, AutoTokenizer.from_pretrained(folder)


class Frozen:
    """The two halves of a base, which share its weights.

    :param adapted: number of its last layers, which have the adapters
    """

    def __init__(self, model: PreTrainedModel, adapted: int):
        body = model.model
        count = len(body.layers) - adapted
        self.adapted = list(range(count, count + adapted))
        self._lower = copy.copy(body)
        self._lower._modules = {**body._modules, "layers": body.layers[:count], "norm": torch.nn.Identity()}
        body.layers = torch.nn.ModuleList([*(Skipped() for _ in range(count)), *body.layers[count:]])
        self.upper = model.requires_grad_(False).eval()
        """The model without its lower layers."""
        self._known: dict[bytes, torch.Tensor] = {}

    @torch.no_grad()
    def activations(self, ids: torch.Tensor) -> torch.Tensor:
        """What the first adapted layer gets. Every sequence goes through the lower layers once."""
        keys = [row.numpy().tobytes() for row in ids]
        new = {key: row for key, row in zip(keys, ids, strict=True) if key not in self._known}
        if new:
            found = self._lower(input_ids=torch.stack([*new.values()])).last_hidden_state
            self._known.update(zip(new, found, strict=True))
        return torch.stack([self._known[key] for key in keys])


def loss(model: PeftModel, activations: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean loss in nats per token of a model with an adapter."""
    causal = model.get_base_model()
    hidden = causal.model(inputs_embeds=activations).last_hidden_state[:, :-1]
    return HeadLoss.apply(hidden.flatten(0, 1), causal.lm_head.weight, labels[:, 1:].flatten())


class HeadLoss(torch.autograd.Function):
    """Cross-entropy after a frozen head. Its gradient is computed at once, in a third of the time.

    A processor spends most of a step on the 49152 logits of each token, and mostly on moving them.
    """

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = torch.nn.functional.linear(hidden, weight).float()
        logits -= logits.amax(1, keepdim=True)
        wanted = logits.gather(1, labels[:, None])
        total = logits.exp_().sum(1, keepdim=True)
        if ctx.needs_input_grad[0]:
            logits /= total
            logits[torch.arange(len(labels)), labels] -= 1
            ctx.gradient = logits.to(weight.dtype) @ weight / len(labels)
        return (total.log() - wanted).mean()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return (ctx.gradient * gradient).to(ctx.gradient.dtype), None, None
