"""The base model of the adapters: a small Llama trained here, or any that transformers can load."""

from __future__ import annotations

import argparse
import math
import random
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from texts import Documents, for_base, kinds, sequences

LENGTH = 64
"""Tokens of a sequence."""

VOCABULARY = 2048


def load(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A base and its tokenizer, in f32.

    :param name: a folder, or a name on the hub if it can be reached
    """
    model = AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(name)


def tokenizer_of(documents: Documents) -> PreTrainedTokenizerFast:
    """A byte-level BPE of `VOCABULARY` tokens."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(documents.values(), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<end>", pad_token="<end>")


def new_model(tokens: int) -> LlamaForCausalLM:
    """A Llama of three million random weights."""
    config = LlamaConfig(
        vocab_size=tokens,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=0,
    )
    return LlamaForCausalLM(config)


def pretrain(model: LlamaForCausalLM, data: list[list[int]], steps: int, rng: random.Random) -> None:
    """Trains with AdamW, sixteen sequences per step, with the learning rate rising and falling."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1, betas=(0.9, 0.95))
    model.train()
    for step in range(steps):
        rate = min(1.0, (step + 1) / 50) * (0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2)
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * rate
        batch = torch.tensor(rng.sample(data, 16))
        loss = model(input_ids=batch, labels=batch).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % 100 == 0:
            print(f"base: step {step + 1} of {steps}, loss {loss.item():.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes a small base and saves it with its tokenizer.")
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    by_kind = {kind: for_base(documents) for kind, documents in kinds(options.texts).items()}
    documents = {f"{kind}/{name}": text for kind, some in by_kind.items() for name, text in some.items()}
    tokenizer = tokenizer_of(documents)
    data = [s for text in documents.values() for s in sequences(text, tokenizer, LENGTH)]
    model = new_model(len(tokenizer))
    count = sum(p.numel() for p in model.parameters())
    print(f"base: {count} weights, {len(data) * LENGTH} tokens of {len(documents)} documents", flush=True)
    pretrain(model, data, options.steps, random.Random(options.seed))
    model.save_pretrained(options.out)
    tokenizer.save_pretrained(options.out)


if __name__ == "__main__":
    main()
