"""Adapters of peft other than LoRA, each with options that work on a small Llama."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
from peft import PeftModel
from peft.tuners.lora.conversion import save_as_lora

from kinds_types import Kind, with_config

TASK = {"task_type": "CAUSAL_LM"}
TARGETS = {**TASK, "target_modules": ["q_proj", "v_proj"]}


def method(name: str, **options: Any) -> Kind:
    """Creates a kind from the name of its configuration class."""
    return Kind(with_config(lambda: getattr(peft, name)(**options)))


def as_lora(model: PeftModel, folder: Path) -> None:
    """Converted by peft to B·A by a singular value decomposition of the change."""
    save_as_lora(folder, model, rank=4)


OTHER_KINDS: dict[str, Kind] = {
    "AdaLoRA": method("AdaLoraConfig", **TARGETS, init_r=6, target_r=4, total_step=8, tinit=1, tfinal=2),
    "IA³": method("IA3Config", **TASK, target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]),
    "LoHa": method("LoHaConfig", **TARGETS, r=4),
    "LoHa, converted to LoRA": Kind(with_config(lambda: peft.LoHaConfig(**TARGETS, r=4)), as_lora),
    "LoKr": method("LoKrConfig", **TARGETS, r=4),
    "OFT": method("OFTConfig", **TARGETS, oft_block_size=8),
    "BOFT": method("BOFTConfig", **TARGETS, boft_block_size=8),
    "HRA": method("HRAConfig", **TARGETS, r=4),
    "VeRA": method("VeraConfig", **TARGETS, r=16),
    "VB-LoRA": method("VBLoRAConfig", **TARGETS, r=4, num_vectors=32, vector_length=32),
    "RandLoRA": method("RandLoraConfig", **TARGETS, r=4),
    "FourierFT": method("FourierFTConfig", **TARGETS, n_frequency=64),
    "GraLoRA": method("GraloraConfig", **TARGETS, r=4),
    "DeLoRA": method("DeloraConfig", **TARGETS, r=4),
    "MiSS": method("MissConfig", **TARGETS, r=4),
    "SHiRA": method("ShiraConfig", **TARGETS, r=4),
    "C³A": method("C3AConfig", **TARGETS, block_size=32),
    "RoAd": method("RoadConfig", **TARGETS),
    "LN tuning": method("LNTuningConfig", **TASK, target_modules=["input_layernorm"]),
    "trainable tokens": method("TrainableTokensConfig", **TASK, token_indices=[1, 2, 3]),
    "prompt tuning": method("PromptTuningConfig", **TASK, num_virtual_tokens=4),
    "prefix tuning": method("PrefixTuningConfig", **TASK, num_virtual_tokens=4),
    "P-tuning": method("PromptEncoderConfig", **TASK, num_virtual_tokens=4, encoder_hidden_size=32),
    "adaption prompt": method("AdaptionPromptConfig", **TASK, adapter_len=4, adapter_layers=2),
}
