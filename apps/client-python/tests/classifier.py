"""Clients that adapt a Bert with random weights to two kinds of text, with a head in modules_to_save. Used by e2e/src/python-doors.test.ts."""

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import BertConfig, BertForSequenceClassification

from fedclair_host.peft import PeftClient

torch.set_num_threads(1)
torch.manual_seed(0)
config = BertConfig(vocab_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, num_labels=2)
lora = LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["query", "value"])
model = get_peft_model(BertForSequenceClassification(config), lora)


def examples(index: int, count: int):
    rng = np.random.default_rng(index)
    labels = rng.integers(2, size=count)
    return [{"input_ids": rng.integers(8, size=12) + 8 * label, "labels": label} for label in labels]


def make_client(index: int) -> PeftClient:
    train, held_out = examples(index, 32), examples(100 + index, 32)
    return PeftClient(model, train, held_out=held_out, steps=10, batch_size=16, learning_rate=1e-2)
