"""Plain LoRA, saved in each of the formats that occur."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from peft import PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from kinds_lora import config
from kinds_types import Kind, Save, save_plainly, with_config

PLAIN = with_config(config)
FILE = "adapter_model.safetensors"


def saved_as(dtype: torch.dtype) -> Save:
    """Saved as the same numbers in another type."""

    def save(model: PeftModel, folder: Path) -> None:
        state = {key: value.to(dtype) for key, value in get_peft_model_state_dict(model).items()}
        model.save_pretrained(folder, state_dict=state)
        save_file(state, folder / FILE, {"format": "pt"})

    return save


def in_shards(model: PeftModel, folder: Path) -> None:
    """Saved as two files and an index."""
    model.save_pretrained(folder)
    tensors = load_file(folder / FILE)
    (folder / FILE).unlink()
    names = sorted(tensors)
    weight_map = {}
    for number, part in enumerate([names[::2], names[1::2]], 1):
        file = f"adapter_model-{number:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
        weight_map.update(dict.fromkeys(part, file))
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / f"{FILE}.index.json").write_text(json.dumps(index), encoding="utf-8")


def pickled(model: PeftModel, folder: Path) -> None:
    """Saved in the old format, a .bin file."""
    model.save_pretrained(folder, safe_serialization=False)
    for file in folder.glob("*.safetensors"):
        state = load_file(file)
        file.unlink()
        torch.save(state, folder / "adapter_model.bin")


def under(name: str) -> Save:
    """Saved in a subfolder of the client's folder."""
    return lambda model, folder: model.save_pretrained(folder / name)


def checkpoints(model: PeftModel, folder: Path) -> None:
    """Saved as an early and the last state of every client."""
    last = {key: value.clone() for key, value in get_peft_model_state_dict(model).items()}
    early = {key: value * 0.5 if "lora_B" in key else value for key, value in last.items()}
    for step, state in ((4, early), (8, last)):
        model.save_pretrained(folder / f"checkpoint-{step}")
        save_file(state, folder / f"checkpoint-{step}" / FILE, {"format": "pt"})


def named(base: PreTrainedModel, _data: list[list[int]]) -> PeftModel:
    """The adapter has a name of its own: peft saves it in a folder of that name."""
    return get_peft_model(base, config(), adapter_name="mine")


def beside_another(base: PreTrainedModel, _data: list[list[int]]) -> PeftModel:
    """A second adapter is there, untrained; peft saves both."""
    model = get_peft_model(base, config())
    model.add_adapter("other", config())
    model.set_adapter("default")
    return model


def converted(init: str) -> Kind:
    """Initialised from a part of the base and saved as a change of the base of twice the rank."""

    def prepare(base: PreTrainedModel, _data: list[list[int]]) -> PeftModel:
        model = get_peft_model(base, config(init_lora_weights=init))
        model.peft_config["default"].init_lora_weights = True
        model.initial = TemporaryDirectory()
        model.save_pretrained(Path(model.initial.name) / "initial")
        return model

    def save(model: PeftModel, folder: Path) -> None:
        initial = Path(model.initial.name) / "initial"
        model.save_pretrained(folder, path_initial_model_for_weight_conversion=str(initial))

    return Kind(prepare, save)


def half_base(base: PreTrainedModel, _data: list[list[int]]) -> PeftModel:
    """The base and the adapter in bfloat16."""
    return get_peft_model(base.to(torch.bfloat16), config(), autocast_adapter_dtype=False)


def keyed(rename: Callable[[str], str]) -> Save:
    """Saved with other names of tensors."""

    def save(model: PeftModel, folder: Path) -> None:
        model.save_pretrained(folder)
        state = {rename(key): value for key, value in load_file(folder / FILE).items()}
        save_file(state, folder / FILE, {"format": "pt"})

    return save


SAVED_KINDS: dict[str, Kind] = {
    "saved as bf16": Kind(PLAIN, saved_as(torch.bfloat16)),
    "saved as f16": Kind(PLAIN, saved_as(torch.float16)),
    "saved as f64": Kind(PLAIN, saved_as(torch.float64)),
    "saved as f8": Kind(PLAIN, saved_as(torch.float8_e4m3fn)),
    "trained in bf16": Kind(half_base),
    "in shards": Kind(PLAIN, in_shards),
    "a .bin file": Kind(PLAIN, pickled),
    "in `checkpoint-8`": Kind(PLAIN, under("checkpoint-8")),
    "two checkpoints each": Kind(PLAIN, checkpoints),
    "an adapter with a name": Kind(named),
    "two adapters each, one untrained": Kind(beside_another),
    "PiSSA, converted to LoRA": converted("pissa"),
    "OLoRA, converted to LoRA": converted("olora"),
    "names with `.default.`": Kind(PLAIN, keyed(lambda key: key.replace(".weight", ".default.weight"))),
    "names without a prefix": Kind(PLAIN, keyed(lambda key: key.removeprefix("base_model.model."))),
    "plainly": Kind(PLAIN, save_plainly),
}
