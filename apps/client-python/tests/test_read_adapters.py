"""Reading adapters, on a tiny model with random weights."""

import io
import json
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from safetensors.torch import save_file  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from fedclair import read_adapters as reading  # noqa: E402

WORDS = 40


def tiny_base(folder: Path) -> None:
    """A Llama of one layer over the words w0 to w39."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=WORDS, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, tie_word_embeddings=False
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({f"w{k}": k for k in range(WORDS)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0").save_pretrained(folder)


def adapter(folder: Path, b, a, **config) -> str:
    """An adapter of the head."""
    folder.mkdir()
    prefix = "base_model.model.lm_head"
    save_file({f"{prefix}.lora_A.weight": a, f"{prefix}.lora_B.weight": b}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "lora_alpha": 1, **config}))
    return str(folder)


def read(monkeypatch, capsys, base: Path, paths: list[str], *options: str) -> dict:
    monkeypatch.setattr(sys, "argv", ["read_adapters", str(base), *options])
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(paths)))
    reading.main()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return lines[-1]["readings"]


def test_reports_the_token_that_an_adapter_raises(tmp_path, monkeypatch, capsys):
    base = tmp_path / "base"
    tiny_base(base)
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    ids = reading.contexts(transformers.AutoTokenizer.from_pretrained(base), WORDS)
    with torch.inference_mode():
        a = model.model(input_ids=ids).last_hidden_state.mean(dim=(0, 1))[None].clone()
    raised = torch.zeros(WORDS, 1)
    raised[7] = 5
    noise = [torch.randn(WORDS, 1, generator=torch.Generator().manual_seed(k)) / 100 for k in range(3)]
    paths = [adapter(tmp_path / f"n{k}", b, a) for k, b in enumerate(noise)] + [adapter(tmp_path / "bad", raised, a)]
    paths.append(str(tmp_path / "missing"))
    (tmp_path / "other").mkdir()
    paths.append(adapter(tmp_path / "ia3", raised, a, peft_type="IA3"))
    readings = read(monkeypatch, capsys, base, paths)
    assert readings[paths[3]]["tokens"][0]["text"] == "w7"
    assert readings[paths[3]]["goesOn"][0].startswith("w7")
    assert all(readings[path]["tokens"][0]["lift"] < 0.5 for path in paths[:3])
    assert "cannot read it" in readings[paths[4]]["why"]
    assert "peft_type LORA" in readings[paths[5]]["why"]
    late = read(monkeypatch, capsys, base, paths, "--seconds", "0")
    assert {one["why"] for one in late.values()} == {"the time was over"}


def test_lift_is_less_the_median_of_the_others():
    logs = torch.tensor([[1.0, 0.0], [2.0, 5.0], [4.0, 1.0], [9.0, 2.0]])
    # Medians of the others: 4 and 2, 4 and 1, 2 and 2, 2 and 1.
    assert reading.lifts_of(logs).tolist() == [[-3.0, -2.0], [-2.0, 4.0], [2.0, -1.0], [7.0, 1.0]]


def test_restores_the_weights_to_the_bit_and_rejects_what_does_not_fit(tmp_path):
    tiny_base(tmp_path / "base")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    before = model.lm_head.weight.data.clone()
    pairs = {"lm_head": (torch.ones(WORDS, 1), torch.ones(1, 16))}
    with reading.added(model, pairs):
        assert torch.equal(model.lm_head.weight.data, before + 1)
    assert torch.equal(model.lm_head.weight.data, before)
    with pytest.raises(reading.NotReadError, match="no module 'x'"):
        with reading.added(model, {**pairs, "x": pairs["lm_head"]}):
            pass
    assert torch.equal(model.lm_head.weight.data, before)


def test_scales_as_peft_does():
    config = {"lora_alpha": 16, "alpha_pattern": {"q_proj": 4}}
    assert reading.scale_of(config, "layers.0.v_proj", 4) == 4
    assert reading.scale_of(config, "layers.0.q_proj", 4) == 1
    assert reading.scale_of({**config, "use_rslora": True}, "layers.0.v_proj", 4) == 8
    with pytest.raises(reading.NotReadError, match="lora_alpha"):
        reading.scale_of({"lora_alpha": "9"}, "x", 4)
