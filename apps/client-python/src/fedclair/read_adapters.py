"""What LoRA adapters say more often than the others: `python -m fedclair.read_adapters BASE`.

Each adapter is added to the base model, which then runs once on a few neutral contexts: random tokens and
plain prose, without anybody's data. The lift of a token is the mean of its log-probability over all
positions, less the median of the same over the other adapters. The tokens of largest lift are what this
adapter says more often; the model also goes on from them. It is a reading for a person and no verdict.

The paths of the adapters are read from stdin as a JSON array. Every line of stdout is a JSON object:
`{"done": n}` after each adapter, and at the end `{"readings": {path: reading}}`, where a reading has
`tokens` (text, lift) and `goesOn` (texts), or `why` it was not read. Only safetensors and numbers of the
configurations are read, and no code of theirs runs. Needs torch, transformers and safetensors.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

WINDOWS = 24
"""Contexts of each kind."""

LENGTH = 16
"""Tokens of a context."""

TOKENS = 12
"""Tokens of largest lift that are reported."""

STARTS = 3
"""Tokens from which the model goes on."""

GROWTH = 12
"""Tokens by which it goes on."""

FEWEST = 3
"""Adapters that a median over others needs."""

PROSE = """The road followed the river for most of the morning. On the far bank a few houses stood between
the trees, and behind them the hills rose in long, even lines. A man was mending a fence. He looked up when
we passed, raised his hand, and went back to his work. Further on the valley opened, and we could see the
town: a square tower, some roofs, a bridge with three arches. It was market day. People had come from the
villages with fruit, cheese and bread, and there was a good deal of noise. We left the car near the station
and walked. An old woman sold us a bag of plums and told us that it had not rained for six weeks. The
library was closed, but the door of the church was open, and it was cool inside. Someone was practising the
organ, the same four bars again and again. Later we sat by the water and talked about the plans for the
winter, about the price of wood, and about the letter that had arrived the day before. Nobody knew what to
make of it. In the evening the wind changed. The lamps along the bridge came on one after the other, and the
last boats were pulled up on the bank. We found a room above the bakery, where it smelled of flour and
apples, and slept until the bells woke us. The next day began with fog. It lay over the meadows until noon,
and only the tops of the poplars could be seen. We asked the way twice, took the wrong turn at the mill, and
came to the lake two hours later than we had hoped. It was worth the trouble. The water was clear and very
still, and on the other side the mountains stood with their first snow."""


class NotReadError(Exception):
    """An adapter that cannot be read, with its reason."""


def read_pairs(folder: Path) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """B·scale and A of each module of a LoRA adapter in PEFT's format, by the module's name.

    :raises NotReadError: if it is no plain LoRA in safetensors
    """
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "adapter_model.safetensors")
    except Exception as error:
        raise NotReadError(f"cannot read it: {error}") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise NotReadError("expected an adapter of peft_type LORA")
    pairs = {}
    for name, a in tensors.items():
        if ".lora_A." not in name:
            if ".lora_B." not in name:
                raise NotReadError(f"expected only lora_A and lora_B, got {name!r}")
            continue
        b = tensors.get(name.replace(".lora_A.", ".lora_B."))
        module = name.split(".lora_A.")[0].removeprefix("base_model.model.")
        if b is None or a.ndim != 2 or b.ndim != 2 or b.shape[1] != a.shape[0]:
            raise NotReadError(f"lora_A and lora_B of {module!r} do not fit")
        scale = scale_of(config, module, a.shape[0])
        pairs[module] = (b.float() * scale, a.float())
    return pairs


def scale_of(config: dict[str, Any], module: str, rank: int) -> float:
    """lora_alpha over the rank, or over its root with rsLoRA; patterns count as in peft."""
    patterns = config.get("alpha_pattern") or {}
    matching = (value for key, value in patterns.items() if module == key or module.endswith(f".{key}"))
    alpha = next(matching, config.get("lora_alpha", 8))
    if not isinstance(alpha, (int, float)) or not math.isfinite(alpha):
        raise NotReadError(f"lora_alpha: expected a number, got {alpha!r}")
    return float(alpha) / (math.sqrt(rank) if config.get("use_rslora") is True else rank)


@contextmanager
def added(model: Any, pairs: dict[str, tuple[torch.Tensor, torch.Tensor]]) -> Iterator[None]:
    """The model with an adapter, whose weights are restored to the bit afterwards."""
    layers = dict(model.named_modules())
    kept = []
    try:
        for module, (b, a) in pairs.items():
            weight = getattr(layers.get(module), "weight", None)
            if weight is None or weight.shape != (b.shape[0], a.shape[1]):
                raise NotReadError(f"the base has no module {module!r} of {b.shape[0]} × {a.shape[1]}")
            kept.append((weight, weight.data.clone()))
            weight.data += b @ a
        yield
    finally:
        for weight, before in kept:
            weight.data.copy_(before)


def contexts(tokenizer: Any, vocabulary: int) -> torch.Tensor:
    """Windows of random tokens and of prose, one row each; always the same ones."""
    generator = torch.Generator().manual_seed(1)
    random = torch.randint(vocabulary, (WINDOWS, LENGTH), generator=generator)
    prose = tokenizer(PROSE, return_tensors="pt", add_special_tokens=False)["input_ids"][0]
    step = (len(prose) - LENGTH) / (WINDOWS - 1)
    starts = [round(step * k) for k in range(WINDOWS)]
    return torch.cat([random, torch.stack([prose[at : at + LENGTH] for at in starts])])


def mean_log_probabilities(model: Any, ids: torch.Tensor, batch: int = 8) -> torch.Tensor:
    """By token, the mean of its log-probability over all positions of all contexts."""
    total = None
    for rows in ids.split(batch):
        logs = torch.log_softmax(model(input_ids=rows).logits.float(), dim=-1).sum(dim=(0, 1))
        total = logs if total is None else total + logs
    assert total is not None
    return total / ids.numel()


def go_on(model: Any, tokenizer: Any, tokens: list[int]) -> list[str]:
    """What the model most probably says after each of some tokens, which it repeats."""
    ids = torch.tensor(tokens)[:, None]
    for _ in range(GROWTH):
        following = model(input_ids=ids).logits[:, -1].argmax(dim=-1)
        ids = torch.cat([ids, following[:, None]], dim=1)
    return [str(tokenizer.decode(row)) for row in ids]


def lifts_of(logs: torch.Tensor) -> torch.Tensor:
    """Each row less the median of the other rows, by column: adapters × tokens."""
    return torch.stack(
        [row - torch.cat([logs[:k], logs[k + 1 :]]).quantile(0.5, dim=0) for k, row in enumerate(logs)]
    )


def main() -> None:
    """Reads the adapters whose paths are on stdin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=Path, help="a folder with the base model; nothing is downloaded")
    parser.add_argument("--seconds", type=float, default=math.inf, help="adapters that are not read by then are left out")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    paths = json.load(sys.stdin)
    if not (options.base / "config.json").is_file():
        raise SystemExit(f"{options.base}: expected a folder with a model, such as one of save_pretrained")
    local = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(options.base, **local)
    model = AutoModelForCausalLM.from_pretrained(options.base, dtype=torch.float32, use_safetensors=True, **local)
    model.eval()
    with torch.inference_mode():
        readings = read_all(model, tokenizer, paths, end)
    print(json.dumps({"readings": readings}), flush=True)


def read_all(model: Any, tokenizer: Any, paths: list[str], end: float) -> dict[str, dict[str, Any]]:
    """The reading of each adapter, by its path.

    :param end: when no further adapter is read, on the monotonic clock
    """
    ids = contexts(tokenizer, model.config.vocab_size)
    readings: dict[str, dict[str, Any]] = {}
    logs: dict[str, torch.Tensor] = {}
    for done, path in enumerate(paths, 1):
        if time.monotonic() > end:
            readings[path] = {"why": "the time was over"}
            continue
        try:
            with added(model, read_pairs(Path(path))):
                logs[path] = mean_log_probabilities(model, ids)
        except NotReadError as error:
            readings[path] = {"why": str(error)}
        print(json.dumps({"done": done}), flush=True)
    if len(logs) < FEWEST:
        for path in logs:
            readings[path] = {"why": f"{len(logs)} adapters could be read; a comparison needs {FEWEST}"}
        logs = {}
    lifts = lifts_of(torch.stack(list(logs.values()))) if logs else torch.empty(0, 0)
    for path, lift in zip(logs, lifts, strict=True):
        top = lift.topk(TOKENS)
        tokens = top.indices.tolist()
        with added(model, read_pairs(Path(path))):
            texts = go_on(model, tokenizer, tokens[:STARTS]) if time.monotonic() < end else []
        words = zip(tokens, top.values.tolist(), strict=True)
        readings[path] = {
            "tokens": [{"text": str(tokenizer.decode([token])), "lift": value} for token, value in words],
            "goesOn": texts,
        }
    return readings


if __name__ == "__main__":
    main()
