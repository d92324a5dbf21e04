"""Tests the second decoder of quantised weights on blocks written by hand."""

from pathlib import Path

import numpy as np
import pytest

gguf = pytest.importorskip("gguf")
from safetensors.numpy import save_file  # noqa: E402

from smollm2 import _halves, check, decode  # noqa: E402

nibbles = np.arange(16, dtype=np.uint8) | (15 - np.arange(16, dtype=np.uint8)) << 4
q4_1 = np.concatenate([np.array([0.5, -2], np.float16).view(np.uint8), nibbles])
q8_0 = np.concatenate([np.array([0.25], np.float16).view(np.uint8), np.arange(-16, 16, dtype=np.int8).view(np.uint8)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    writer = gguf.GGUFWriter(tmp_path / "small.gguf", "llama")
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_tensor("output_norm.weight", np.ones(32, np.float32))
    writer.add_tensor("blk.0.ffn_up.weight", q4_1[None], raw_dtype=gguf.GGMLQuantizationType.Q4_1)
    writer.add_tensor("token_embd.weight", q8_0[None], raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tmp_path / "small.gguf"


weights = {
    "model.norm.weight": np.ones(32, np.float32),
    # Low halves of the bytes first: 0 … 15, then 15 … 0; times 0.5, from -2.
    "model.layers.0.mlp.up_proj.weight": np.concatenate([np.arange(16), np.arange(15, -1, -1)]).astype(np.float32)[None] / 2 - 2,
    "model.embed_tokens.weight": np.arange(-16, 16, dtype=np.float32)[None] / 4,
}


def test_blocks_of_4_and_8_bits(source: Path) -> None:
    tensors = {t.name: decode(t)[0] for t in gguf.GGUFReader(source).tensors}
    np.testing.assert_array_equal(tensors["blk.0.ffn_up.weight"], weights["model.layers.0.mlp.up_proj.weight"])
    np.testing.assert_array_equal(tensors["token_embd.weight"], weights["model.embed_tokens.weight"])


def test_check_counts_and_refuses_another_weight(source: Path, tmp_path: Path) -> None:
    save_file(weights, tmp_path / "model.safetensors")
    assert check(source, tmp_path).startswith("96 weights in 3 tensors are those of the GGUF")
    changed = {name: values.copy() for name, values in weights.items()}
    changed["model.embed_tokens.weight"][0, 3] += np.float32(1e-6)
    save_file(changed, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="token_embd.weight"):
        check(source, tmp_path)


def test_rotary_pairs_become_halves() -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert _halves(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
