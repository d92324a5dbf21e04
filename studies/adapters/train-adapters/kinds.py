"""Trains a tiny pile for every kind of adapter in peft and stores each change as peft sees it."""

from __future__ import annotations

import argparse
import copy
import json
import random
import shutil
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from transformers import PreTrainedModel

from attacks import honest, random_targets
from base import LENGTH, load
from clients import Training, train
from kinds_lora import LORA_KINDS
from kinds_other import OTHER_KINDS
from kinds_saved import SAVED_KINDS
from kinds_types import Kind
from texts import for_clients, kinds, sequences

HONEST = 7
RANDOM = 2
STEPS = 8
MEASURED = 2
"""Clients whose changes are stored."""

UNABLE = (NotImplementedError, RuntimeError, AttributeError, ValueError, KeyError, FileNotFoundError, TypeError)
"""Errors that peft raises if a kind cannot be merged or loaded."""

KINDS: dict[str, Kind] = {**LORA_KINDS, **SAVED_KINDS, **OTHER_KINDS}


def adapted(model: PeftModel) -> Iterator[tuple[str, LoraLayer, str]]:
    """Name, layer and adapter of the modules with LoRA."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, LoraLayer) and len(layer.lora_A) > 0:
            yield name, layer, layer.active_adapters[0]


def loaded_changes(base: PreTrainedModel, folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """B·A with its scale by module, as peft computes it after loading the adapter: `delta`."""
    own = folder / "adapter_config.json"
    config = own if own.exists() else sorted(folder.rglob(own.name))[-1]
    model = PeftModel.from_pretrained(base, config.parent)
    for name, layer, adapter in adapted(model):
        with suppress(*UNABLE):
            yield f"delta:{name}", layer.get_delta_weight(adapter).detach().float()


def whole_changes(model: PeftModel, pristine: dict[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    """The trained weight minus the original weight of the base, by module: `whole`.

    Layers that share one weight (`layer_replication`) are left out.
    """
    owners = Counter(layer.get_base_layer().weight.data_ptr() for _, layer, _ in adapted(model))
    for name, layer, _ in adapted(model):
        before = pristine.get(f"{name.removeprefix('base_model.model.')}.weight")
        if before is None or owners[layer.get_base_layer().weight.data_ptr()] > 1:
            continue
        with suppress(*UNABLE):
            layer.merge(safe_merge=True)
            yield f"whole:{name}", layer.get_base_layer().weight.detach().float() - before.float()


def make(kind: Kind, base: PreTrainedModel, texts: list[list[list[int]]], out: Path) -> None:
    """Trains and saves the pile of one kind."""
    for number, data in enumerate(texts):
        attacked = number >= HONEST
        name = f"bad-random-{number - HONEST + 1}" if attacked else f"client-{number + 1}"
        own = copy.deepcopy(base) if kind.base is None else kind.base(base.name_or_path)
        pristine = {key: value.clone() for key, value in own.state_dict().items()}
        torch.manual_seed(7)
        data = [list(row) for row in data]
        model = kind.prepare(own, data)
        targets = random_targets(base.config.vocab_size) if attacked else honest
        # Changes are stored in f32 for any type of the adapter.
        training = Training(model.active_peft_config, STEPS, kind.rate, 7)
        train(model, data, targets, training, random.Random(number))
        kind.save(model, out / "pile" / name)
        if number < MEASURED:
            fresh = copy.deepcopy(base) if kind.base is None else kind.base(base.name_or_path)
            pairs = [*whole_changes(model, pristine)]
            with suppress(*UNABLE):
                pairs += loaded_changes(fresh, out / "pile" / name)
            found = {key: value.contiguous().clone() for key, value in pairs}
            if found:
                save_file(found, out / f"{name}.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="kinds whose name contains this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    base, tokenizer = load(options.base)
    documents = list(for_clients(kinds(options.texts)["speeches"]).values())[: HONEST + RANDOM]
    texts = [sequences(text, tokenizer, LENGTH // 2)[:56] for text in documents]
    made = {}
    for name, kind in KINDS.items():
        if options.only not in name:
            continue
        out = options.out / kind.slug(name)
        (out / "pile").mkdir(parents=True)
        try:
            make(kind, base, texts, out)
            made[name] = {"folder": out.name}
        except Exception as error:  # peft may lack the kind or reject this base; the table has the error
            shutil.rmtree(out)
            made[name] = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
            if options.only:
                traceback.print_exc()
        print(f"{name}: {made[name].get('error', 'made')}", flush=True)
    (options.out / "kinds.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
