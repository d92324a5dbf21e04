"""Prints the held-out loss of one adapter in nats per token, alone on the last line.

`fedclair audit --refine --evaluate` can call this. The client is the last folder of the adapter's path that the
file of texts knows, for example `python-queue` in `candidates/python-queue/shrunk`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def client_of(folder: Path, known: dict[str, list[list[int]]]) -> str:
    """The client whose adapter is in a folder."""
    for part in reversed(folder.resolve().parts):
        if part in known:
            return part
    raise SystemExit(f"{folder}: expected a part of this path to be one of {', '.join(known)}; name one by --client")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="a folder with the base model")
    parser.add_argument("--texts", type=Path, required=True, help="held-out.json of a pool: sequences of token ids by client")
    parser.add_argument("--client", help="whose sequences to use, if the path does not say it")
    parser.add_argument("adapter", type=Path, help="a folder with an adapter; the base itself if it is `-`")
    options = parser.parse_args()
    torch.set_num_threads(1)
    known = json.loads(options.texts.read_text(encoding="utf-8"))
    ids = torch.tensor(known[options.client or client_of(options.adapter, known)])
    model = AutoModelForCausalLM.from_pretrained(options.base, dtype=torch.float32, use_cache=False)
    if str(options.adapter) != "-":
        model = PeftModel.from_pretrained(model, options.adapter)
    model.eval()
    with torch.no_grad():
        loss = float(model(input_ids=ids, labels=ids).loss)
    print(f"{loss:.6f}")


if __name__ == "__main__":
    main()
