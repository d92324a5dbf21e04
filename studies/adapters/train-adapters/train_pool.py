"""Trains one pool of adapters: honest clients, each on its own text, and contaminated ones.

The folder of a contaminated client is named `bad-<attack>-<number>`, an honest one's after its text. `pool.json`
has the settings and each honest adapter's gain, `held-out.json` the held-out sequences for evaluate.py.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from peft import PeftModel

from pools.attacks import Data, honest, poisoned
from pools.clients import Shape, adapter, save, train
from pools.frozen import Frozen, load, loss
from pools.texts import Source, sources

HONEST, SPARE = 14, 4
"""Sources of honest clients, and those that contaminated clients share."""

CONTAMINATED = {"random": 3, "shuffled": 2, "trigger100": 2, "trigger25": 2, "pair": 2, "ascent": 2}


class Pool:
    """Trains the clients of a pool one by one."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.shape = Shape(options.rank, options.modules, options.rslora)
        model, self.tokenizer = load(options.base)
        self.frozen = Frozen(model)
        self.adapters: list[dict[str, Any]] = []

    def client(self, name: str, source: Source, data: Data, attack: str | None = None) -> None:
        """Trains a client, saves its adapter and notes its settings; an honest one's gain too."""
        rng = random.Random(f"{self.options.seed} {name}")
        low, high = self.options.rates
        steps = rng.randint(*self.options.steps)
        rate = math.exp(rng.uniform(math.log(low), math.log(high)))
        note = {"name": name, "text": source.name, "attack": attack, "steps": steps, "rate": round(rate, 6)}
        own_a0 = 1 + len(self.adapters) if self.options.own_a0 else 0
        model = adapter(self.frozen, self.shape, self.options.seed * 1000 + own_a0)
        if attack is None:
            held_out = self.frozen.activations(source.held_out)
            note["base"] = self.loss(model, held_out, source)
        train(model, data, self.frozen.activations(data.ids), steps, rate, rng)
        if attack is None:
            note["own"] = self.loss(model, held_out, source)
        save(model, self.options.out / name)
        model.unload()
        self.adapters.append(note)
        gain = f", gain {note['base'] - note['own']:.3f}" if attack is None else ""
        print(f"{name}: {steps} steps{gain}", flush=True)

    @torch.no_grad()
    def loss(self, model: PeftModel, activations: torch.Tensor, source: Source) -> float:
        return float(loss(model, activations, source.held_out))

    def train(self) -> None:
        options = self.options
        texts = list(islice(sources(options.texts, options.kind, self.tokenizer, options.half), HONEST + SPARE))
        if len(texts) <= HONEST:
            raise SystemExit(f"--kind {','.join(options.kind)}: {len(texts)} sources are long enough, expected {HONEST + SPARE}")
        for source in texts[:HONEST]:
            self.client(source.name, source, honest(source.trained))
        names = [(attack, number) for attack, count in CONTAMINATED.items() for number in range(1, count + 1)]
        for i, (attack, number) in enumerate(names):
            name = f"bad-{attack}-{number}"
            source = texts[HONEST + i % (len(texts) - HONEST)]
            rng = random.Random(f"{options.seed} {name} data")
            self.client(name, source, poisoned(attack, source.trained, self.tokenizer, options.seed, rng), attack)
        held_out = {source.name: source.held_out.tolist() for source in texts[:HONEST]}
        (options.out / "held-out.json").write_text(json.dumps(held_out) + "\n", encoding="utf-8")


def span(text: str) -> tuple[float, float]:
    """Parses `10` or `7:28`."""
    first, _, last = text.partition(":")
    return float(first), float(last or first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="a folder with a model and its tokenizer")
    parser.add_argument("--texts", type=Path, required=True, help="a folder with a folder of text files a kind")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", type=lambda text: text.split(","), required=True, help="one kind of text, or several: a,b")
    parser.add_argument("--half", type=int, choices=(0, 1), default=0, help="of the kind's sources, to begin with")
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--modules", required=True, help="q,v or others of q, k, v, o, gate, up, down")
    parser.add_argument("--rslora", action="store_true")
    parser.add_argument("--own-a0", action="store_true", help="each client draws an A₀ of its own")
    parser.add_argument("--steps", type=span, default=(10, 10), help="10, or 7:28: each client its own number")
    parser.add_argument("--rates", type=span, default=(1e-3, 1e-3), help="of AdamW: 1e-3, or 7e-4:3e-3")
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    options.steps = tuple(map(int, options.steps))
    options.out.mkdir(parents=True)
    begin = time.monotonic()
    pool = Pool(options)
    pool.train()
    gains = [note["base"] - note["own"] for note in pool.adapters if "own" in note]
    settings = {
        **{"kind": options.kind, "half": options.half, **asdict(pool.shape), "ownA0": options.own_a0},
        **{"steps": options.steps, "rates": options.rates, "seed": options.seed},
        **{"gain": mean(gains), "seconds": round(time.monotonic() - begin), "adapters": pool.adapters},
    }
    (options.out / "pool.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    print(f"gain {mean(gains):.3f} from {min(gains):.3f} to {max(gains):.3f}, {settings['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
