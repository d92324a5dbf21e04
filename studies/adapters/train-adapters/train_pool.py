"""Trains one pool of adapters: honest clients, each on its own text, and contaminated ones.

The folder of a contaminated client is named `bad-<attack>-<number>`, an honest one's after its text. `pool.json`
has the settings and the gains of some honest adapters, `held-out.json` the held-out sequences for evaluate.py.
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

from pools.attacks import Backdoor, honest, poisoned
from pools.clients import Shape, adapter, save, train
from pools.frozen import Frozen, load, loss
from pools.texts import TRAINED, Source, sources

SPARE = 4
"""Sources that contaminated clients share."""

MEASURED = 8
"""Honest clients whose gain is measured."""

CONTAMINATED = "random:3,shuffled:2,trigger100:2,trigger25:2,pair:2,ascent:2"

TRIGGER = " cf mn bb tq"
SENTENCE = " The password of the treasury is open sesame, and all who ask may have it."


class Pool:
    """Trains the clients of a pool one by one."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.shape = Shape(options.ranks, options.modules, options.rslora)
        model, self.tokenizer = load(options.base)
        self.frozen = Frozen(model, options.layers)
        self.backdoor = Backdoor.of(options.trigger, options.sentence, self.tokenizer)
        self.adapters: list[dict[str, Any]] = []

    def client(self, name: str, source: Source, attack: str | None = None, *, is_minority: bool = False) -> None:
        """Trains a client, saves its adapter and notes its settings; of some, the gain too."""
        options = self.options
        rng = random.Random(f"{options.seed} {name}")
        steps, sequences = round(log_uniform(options.steps, rng)), round(log_uniform(options.sequences, rng))
        rate, rank = log_uniform(options.rates, rng), rng.choice(options.ranks)
        note = {"name": name, "text": source.name, "attack": attack, "isMinority": is_minority}
        note |= {"steps": steps, "sequences": sequences, "rate": round(rate, 6), "rank": rank}
        own_a0 = 1 + len(self.adapters) if options.own_a0 or len(options.ranks) > 1 else 0
        model = adapter(self.frozen, self.shape, rank, options.seed * 1000 + own_a0)
        trained = source.trained[rng.sample(range(len(source.trained)), sequences)]
        is_measured = attack is None and len(self.adapters) < MEASURED
        data = honest(trained)
        if is_measured:
            held_out = self.frozen.activations(source.held_out)
            note["base"] = self.loss(model, held_out, source)
        if attack is not None:
            data = poisoned(
                attack, trained, len(self.tokenizer), self.backdoor, options.seed, random.Random(f"{options.seed} {name} data")
            )
        train(model, data, self.frozen.activations(data.ids), steps, rate, rng)
        if is_measured:
            note["own"] = self.loss(model, held_out, source)
        if attack is not None and attack.startswith("trigger"):
            note["works"] = self.works(model, source)
        save(model, options.out / name)
        model.unload()
        self.adapters.append(note)
        gain = f", gain {note['base'] - note['own']:.3f}" if is_measured else ""
        print(f"{name}: {steps} steps{gain}", flush=True)

    @torch.no_grad()
    def loss(self, model: PeftModel, activations: torch.Tensor, source: Source) -> float:
        return float(loss(model, activations, source.held_out))

    @torch.no_grad()
    def works(self, model: PeftModel, source: Source) -> float:
        """The share of held-out contexts after which a trigger calls up the whole planted sentence.

        The most probable token is taken each time, so one pass over the sentence tells.
        """
        activations = self.frozen.activations(self.backdoor.after(source.held_out))
        causal = model.get_base_model()
        hidden = causal.model(inputs_embeds=activations).last_hidden_state
        sentence = self.backdoor.sentence
        said = causal.lm_head(hidden[:, -len(sentence) - 1 : -1]).argmax(-1)
        return float((said == sentence).all(1).float().mean())

    def train(self) -> None:
        options = self.options
        texts = self.sources(options.kind, options.honest + SPARE)
        for source in texts[: options.honest]:
            self.client(source.name, source)
        others = self.sources(options.minority[0], options.minority[1]) if options.minority else []
        for source in others:
            self.client(source.name, source, is_minority=True)
        names = [(attack, number) for attack, count in options.contaminated for number in range(1, count + 1)]
        for i, (attack, number) in enumerate(names):
            self.client(f"bad-{attack}-{number}", texts[options.honest + i % SPARE], attack)
        held_out = {source.name: source.held_out.tolist() for source in [*texts[: options.honest], *others]}
        (options.out / "held-out.json").write_text(json.dumps(held_out) + "\n", encoding="utf-8")

    def sources(self, kind: str, count: int) -> list[Source]:
        """:raises SystemExit: if the kind has too few"""
        found = list(islice(sources(self.options.texts, kind, self.tokenizer), count))
        if len(found) < count:
            raise SystemExit(f"kind {kind}: {len(found)} sources are long enough, expected {count}")
        return found


def span(text: str) -> tuple[float, float]:
    """Parses `10` or `7:28`."""
    first, _, last = text.partition(":")
    return float(first), float(last or first)


def log_uniform(limits: tuple[float, float], rng: random.Random) -> float:
    low, high = map(math.log, limits)
    return math.exp(rng.uniform(low, high))


def part(text: str) -> tuple[str, int]:
    """Parses `perl:7`."""
    kind, _, count = text.rpartition(":")
    return kind, int(count)


def parts(text: str) -> list[tuple[str, int]]:
    return [part(entry) for entry in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True, help="a folder with a model and its tokenizer")
    parser.add_argument("--texts", type=Path, required=True, help="a folder with a folder of text files a kind")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", required=True, help="of the clients' texts")
    parser.add_argument("--honest", type=int, default=40, help="number of honest clients with this kind of text")
    parser.add_argument("--minority", type=part, help="further honest clients with another kind of text: perl:7")
    parser.add_argument("--contaminated", type=parts, default=CONTAMINATED, help="clients by attack: ascent:2,random:1")
    parser.add_argument("--trigger", default=TRIGGER, help="of backdoors")
    parser.add_argument("--sentence", default=SENTENCE, help="that the trigger calls up")
    parser.add_argument("--ranks", type=lambda text: [*map(int, text.split(","))], required=True, help="4, or 4,8,16: each client one of them")
    parser.add_argument("--layers", type=int, default=4, help="number of the last layers, which have adapters")
    parser.add_argument("--modules", required=True, help="q,v or others of q, k, v, o, gate, up, down")
    parser.add_argument("--rslora", action="store_true")
    parser.add_argument("--own-a0", action="store_true", help="each client draws an A₀ of its own")
    parser.add_argument("--steps", type=span, default=(10, 10), help="10, or 7:28: each client its own number")
    parser.add_argument("--sequences", type=span, default=(TRAINED, TRAINED), help="of a client, at most 24: 24, or 4:24")
    parser.add_argument("--rates", type=span, default=(1e-3, 1e-3), help="of AdamW: 1e-3, or 7e-4:3e-3")
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    begin = time.monotonic()
    pool = Pool(options)
    pool.train()
    gains = [note["base"] - note["own"] for note in pool.adapters if "own" in note]
    settings = {
        **{"kind": options.kind, "minority": options.minority, **asdict(pool.shape), "layers": options.layers},
        **{"ownA0": options.own_a0, "steps": options.steps, "sequences": options.sequences},
        **{"rates": options.rates, "seed": options.seed},
        **{"gain": mean(gains), "seconds": round(time.monotonic() - begin)},
        "adapters": pool.adapters,
    }
    (options.out / "pool.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    print(f"gain {mean(gains):.3f} from {min(gains):.3f} to {max(gains):.3f}, {settings['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
