"""LoRA adapters for a tiny Llama with random weights. Clients predict the next symbol of their own texts.

Every text is a random walk over 32 symbols. All clients share the transition probabilities, apart from a few rows that each client
has of its own. The trial file contaminates four of the sixteen.
"""

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from fedclair_host.peft import PeftClient

symbols, length = 32, 24
transitions = np.random.default_rng(0).dirichlet(np.full(symbols, 0.1), size=symbols)

torch.set_num_threads(1)
torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=symbols,
    hidden_size=48,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=length,
    tie_word_embeddings=False,
)
lora = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj", "lm_head"])
model = get_peft_model(LlamaForCausalLM(config), lora)


def walks(index: int, count: int, stream: int) -> np.ndarray:
    own = np.random.default_rng([2, index])
    mine = transitions.copy()
    mine[own.choice(symbols, 4, replace=False)] = own.dirichlet(np.full(symbols, 0.1), size=4)
    rng = np.random.default_rng([3, index, stream])
    text = np.empty((count, length), dtype=np.int64)
    text[:, 0] = rng.integers(symbols, size=count)
    for at in range(1, length):
        for row in range(count):
            text[row, at] = rng.choice(symbols, p=mine[text[row, at - 1]])
    return text


def examples(index: int, count: int, stream: int):
    return [{"input_ids": text} for text in walks(index, count, stream)]


data = {}


def make_client(index: int) -> PeftClient:
    if index not in data:
        data[index] = examples(index, 96, 0), examples(index, 32, 1)
    train, held_out = data[index]
    return PeftClient(model, train, held_out=held_out, steps=60, batch_size=16, learning_rate=5e-3)
