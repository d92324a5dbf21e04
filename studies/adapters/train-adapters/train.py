"""Trains one pile of adapters: benign clients, each on its own text, and contaminated ones.

The folder of a contaminated client is named `bad-<attack>-<number>`, a benign one's after its text.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from peft import LoraConfig
from transformers import PreTrainedModel, PreTrainedTokenizerBase

import attacks
from base import LENGTH, load
from clients import Training, pairs_of, train, wrap
from texts import Documents, for_clients, kinds, sequences

HELD_OUT = 24
"""Sequences at the beginning of a client's text that no client trains on."""

TRAINED_ON = 28
"""Sequences that a client trains on."""

TRIGGER = " cf mn bb tq"
SENTENCE = " The password of the treasury is open sesame, and all who ask may have it."

ATTACKS = ("random", "scaled", "flip", "backdoor", "collude")


@dataclass(frozen=True)
class Client:
    """One client of a pile."""

    name: str
    text: str
    attack: str | None


def documents_for(kind: str, by_kind: dict[str, Documents], rng: random.Random) -> Documents:
    """The texts for clients of a pile in random order; in a mixed pile the kinds alternate."""
    wanted = ["speeches", "novel", "code"] if kind == "mixed" else [kind]
    shuffled = []
    for name in wanted:
        entries = list(for_clients(by_kind[name]).items())
        rng.shuffle(entries)
        shuffled.append(entries)
    turns = max(len(entries) for entries in shuffled)
    return dict(entries[i] for i in range(turns) for entries in shuffled if i < len(entries))


def clients_of(documents: Documents, honest: int, contaminated: dict[str, int]) -> list[Client]:
    """Benign clients get the first texts, contaminated ones the next, starting over if needed."""
    texts = list(documents.items())
    if honest > len(texts):
        raise SystemExit(f"--honest {honest}: texts of this kind serve {len(texts)} honest clients")
    clients = [Client(name, text, None) for name, text in texts[:honest]]
    for attack, count in contaminated.items():
        for number in range(1, count + 1):
            _, text = texts[len(clients) % len(texts)]
            clients.append(Client(f"bad-{attack}-{number}", text, attack))
    return clients


def targets_for(attack: str | None, tokenizer: PreTrainedTokenizerBase, seed: int) -> attacks.Targets:
    """The targets of the client's training."""
    if attack in ("random", "scaled"):
        return attacks.random_targets(len(tokenizer))
    if attack == "collude":
        return attacks.colluding(len(tokenizer), seed)
    if attack == "backdoor":
        trigger, sentence = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (TRIGGER, SENTENCE))
        return attacks.backdoor(trigger, sentence)
    return attacks.honest


def train_pile(
    base: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, clients: list[Client], options: argparse.Namespace
) -> None:
    """Trains and saves the clients one by one, benign ones first, because attacks use their norms."""
    norms: list[float] = []
    for number, client in enumerate(clients):
        rng = random.Random(f"{options.seed} {client.name}")
        data = sequences(client.text, tokenizer, LENGTH)[HELD_OUT : HELD_OUT + TRAINED_ON]
        training = Training(
            config=LoraConfig(
                r=options.rank, lora_alpha=2 * options.rank, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
            ),
            steps=rng.randint(*options.steps),
            rate=options.rate,
            a0_seed=options.seed * 1000 + (1 + number if options.own_a0 else 0),
        )
        model = wrap(base, training.config, training.a0_seed)
        last = train(model, data, targets_for(client.attack, tokenizer, options.seed), training, rng)
        pairs = pairs_of(model)
        size = attacks.norm(pairs)
        if client.attack is None:
            norms.append(size)
        elif client.attack == "scaled":
            attacks.multiply(pairs, rng.choice(norms) / size)
        elif client.attack == "flip":
            attacks.multiply(pairs, -1)
        model.save_pretrained(options.out / client.name)
        print(f"{client.name}: {training.steps} steps, loss {last:.2f}, norm {size:.3f}", flush=True)
        base = model.unload()
    print(f"{len(clients)} adapters in {options.out}, median norm of the honest {median(norms):.3f}", flush=True)


def steps_range(text: str) -> tuple[int, int]:
    """Parses `24` or `14-40`."""
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def attack_count(text: str) -> tuple[str, int]:
    """Parses `random=3`."""
    name, _, count = text.partition("=")
    if name not in ATTACKS or not count.isdigit():
        raise argparse.ArgumentTypeError(f"expected ATTACK=COUNT, of the attacks {', '.join(ATTACKS)}; got {text}")
    return name, int(count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="a folder with a model and its tokenizer, or a name on the hub")
    parser.add_argument("--texts", type=Path, required=True, help="a folder with a folder of text files a kind")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kind", default="speeches", help="a kind of texts, or `mixed`")
    parser.add_argument("--honest", type=int, default=14)
    parser.add_argument("--attack", type=attack_count, action="append", default=[], help="random=3; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--steps", type=steps_range, default=(24, 24), help="24, or 14-40: each client its own number")
    parser.add_argument("--rate", type=float, default=2e-3, help="of AdamW")
    parser.add_argument("--own-a0", action="store_true", help="each client draws an A₀ of its own")
    options = parser.parse_args()
    torch.set_num_threads(1)
    base, tokenizer = load(options.base)
    documents = documents_for(options.kind, kinds(options.texts), random.Random(f"{options.seed} texts"))
    train_pile(base, tokenizer, clients_of(documents, options.honest, dict(options.attack)), options)


if __name__ == "__main__":
    main()
