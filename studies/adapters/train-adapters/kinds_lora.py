"""LoRA with each of the options that peft has for it."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoftQConfig, LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora.config import (
    BdLoraConfig,
    CordaConfig,
    EvaConfig,
    KasaConfig,
    LoraGAConfig,
    MontecloraConfig,
    VeloraConfig,
)
from peft.tuners.lora.corda import preprocess_corda
from peft.tuners.lora.eva import initialize_lora_eva_weights
from peft.tuners.lora.loraga import preprocess_loraga
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, PreTrainedModel

from kinds_types import Kind, with_config


def config(**options: Any) -> LoraConfig:
    """By default rank 4 on q_proj and v_proj."""
    usual = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}
    return LoraConfig(**{**usual, **options})


def lora(rate: float = 2e-3, **options: Any) -> Kind:
    """LoRA with some options."""
    return Kind(with_config(lambda: config(**options)), rate=rate)


def eva(base: PreTrainedModel, data: list[list[int]]) -> PeftModel:
    """A₀ comes from the client's own activations; ranks move to where these vary most."""
    model = get_peft_model(base, config(init_lora_weights="eva", eva_config=EvaConfig(rho=2.0)))
    ids = torch.tensor(data[:16])
    batches = [{"input_ids": ids[i : i + 4], "attention_mask": torch.ones_like(ids[:4])} for i in range(0, 16, 4)]
    initialize_lora_eva_weights(model, batches, show_progress_bar=False)
    return model


def corda(base: PreTrainedModel, data: list[list[int]]) -> PeftModel:
    """B·A begins as the part of the base that the client's own data use most."""
    wanted = config(init_lora_weights="corda", corda_config=CordaConfig(corda_method="ipm"))
    base.eval()

    def run() -> None:
        with torch.no_grad():
            for row in data[:16]:  # one at a time, as CorDA requires
                base(input_ids=torch.tensor([row]))

    preprocess_corda(base, wanted, run_model=run)
    return get_peft_model(base, wanted)


def lora_ga(base: PreTrainedModel, data: list[list[int]]) -> PeftModel:
    """B·A begins along the gradient of the client's own data."""
    wanted = config(init_lora_weights="lora_ga", lora_ga_config=LoraGAConfig())

    def step() -> None:
        ids = torch.tensor(data[:8])
        base(input_ids=ids, labels=ids).loss.backward()

    preprocess_loraga(base, wanted, train_step=step)
    return get_peft_model(base, wanted)


def alora(base: PreTrainedModel, data: list[list[int]]) -> PeftModel:
    """The change is active from two invocation tokens on, and all sequences start with them."""
    call = [5, 6]
    for row in data:
        row[: len(call)] = call
    return get_peft_model(base, config(alora_invocation_tokens=call))


def with_biases(name: str) -> PreTrainedModel:
    """The base with biases of zero in its attention."""
    return AutoModelForCausalLM.from_pretrained(name, attention_bias=True)


def gpt2(_name: str) -> PreTrainedModel:
    """A random GPT-2, whose modules keep their weights transposed."""
    torch.manual_seed(1)
    return GPT2LMHeadModel(GPT2Config(vocab_size=2048, n_positions=128, n_embd=96, n_layer=3, n_head=4))


FIRST = "model.layers.0.self_attn.q_proj"

LORA_KINDS: dict[str, Kind] = {
    "LoRA": lora(),
    "rsLoRA": lora(use_rslora=True),
    "A₀ Gaussian": lora(init_lora_weights="gaussian"),
    "A₀ and B₀ random": lora(init_lora_weights=False),
    "A₀ and B₀ orthogonal": lora(init_lora_weights="orthogonal"),
    "MiCA": lora(init_lora_weights="mica", rate=1e-2),
    "EVA": Kind(eva),
    "PiSSA": lora(init_lora_weights="pissa"),
    "PiSSA, fast SVD": lora(init_lora_weights="pissa_niter_4"),
    "OLoRA": lora(init_lora_weights="olora"),
    "CorDA": Kind(corda),
    "LoRA-GA": Kind(lora_ga),
    "LoftQ": lora(init_lora_weights="loftq", loftq_config=LoftQConfig(loftq_bits=4)),
    "DoRA": lora(use_dora=True),
    "DoRA with PiSSA": lora(use_dora=True, init_lora_weights="pissa"),
    "KaSA": lora(kasa_config=KasaConfig()),
    "QA-LoRA (not GPTQ)": lora(use_qalora=True),
    "BD-LoRA": lora(
        use_bdlora=BdLoraConfig(target_modules_bd_a=["q_proj"], target_modules_bd_b=["v_proj"], nblocks=2)
    ),
    "MonteCLoRA": lora(monteclora_config=MontecloraConfig()),
    "VeLoRA": lora(velora_config=VeloraConfig()),
    "aLoRA": Kind(alora),
    "rank_pattern": lora(rank_pattern={"q_proj": 2, "layers.1.self_attn.v_proj": 6}),
    "rank_pattern with ^": lora(rank_pattern={f"^{FIRST}": 2, r"^model\.layers\.[12]\..*v_proj": 6}),
    "alpha_pattern": lora(alpha_pattern={"q_proj": 2, "layers.1.self_attn.v_proj": 32}),
    "alpha_pattern with ^": lora(alpha_pattern={f"^{FIRST}": 2, r"^model\.layers\.[12]\..*v_proj": 32}),
    "alpha_pattern, two that fit": lora(alpha_pattern={"q_proj": 2, FIRST: 64}),
    "alpha_pattern of part of a name": lora(alpha_pattern={"proj": 2, "layers.1": 64}),
    "alpha_pattern, Python's own syntax": lora(alpha_pattern={r"(?P<half>q)_proj": 2, r"(?i:V_PROJ)": 64}),
    r"alpha_pattern with \A and \Z": lora(alpha_pattern={rf"\A{FIRST}\Z": 64}),
    "rsLoRA with both patterns": lora(use_rslora=True, rank_pattern={"q_proj": 2}, alpha_pattern={"v_proj": 32}),
    "modules_to_save: lm_head": lora(modules_to_save=["lm_head"]),
    "modules_to_save: norm": lora(modules_to_save=["norm"]),
    "bias: all": Kind(with_config(lambda: config(bias="all")), base=with_biases),
    "bias: lora_only": Kind(with_config(lambda: config(bias="lora_only")), base=with_biases),
    "lora_bias": Kind(with_config(lambda: config(lora_bias=True)), base=with_biases),
    "trainable_token_indices": lora(trainable_token_indices=[1, 2, 3]),
    "embeddings among the targets": lora(target_modules=["q_proj", "v_proj", "embed_tokens"]),
    "embeddings alone": lora(target_modules=["embed_tokens"]),
    "embeddings and head, tied": lora(target_modules=["q_proj", "embed_tokens", "lm_head"], ensure_weight_tying=True),
    "all-linear": lora(target_modules="all-linear"),
    "targets by a regular expression": lora(target_modules=r".*\.[0-2]\..*(up|down)_proj"),
    "layers_to_transform": lora(layers_to_transform=[0, 5]),
    "exclude_modules": lora(exclude_modules=["layers.0.self_attn.q_proj"]),
    "layer_replication": lora(layer_replication=[[0, 4], [2, 6]]),
    "target_parameters": lora(target_modules=[], target_parameters=["mlp.down_proj.weight"]),
    "target_modules and target_parameters": lora(target_parameters=["mlp.down_proj.weight"]),
    "fan_in_fan_out (GPT-2)": Kind(
        with_config(lambda: config(target_modules=["c_attn"], fan_in_fan_out=True)), base=gpt2
    ),
}
