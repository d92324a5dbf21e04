"""Reads a pile of LoRA adapters in float16 and computes all inner products of whole changes in NumPy.

Works module by module and prints seconds. The other side of bench/audit.js.
"""

import json
import pathlib
import sys
import time

import numpy

started = time.perf_counter()
files = [pathlib.Path(folder) / "adapter_model.safetensors" for folder in sys.argv[1:]]
headers = []
for file in files:
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        headers.append((8 + length, json.loads(stream.read(length))))


def tensor(file, start, entry):
    begin, end = entry["data_offsets"]
    data = numpy.fromfile(file, numpy.float16, (end - begin) // 2, offset=start + begin)
    return data.reshape(entry["shape"]).astype(numpy.float32)


modules = sorted({key.removesuffix(".lora_A.weight") for key in headers[0][1] if "lora_A" in key})
total = numpy.zeros((len(files), len(files)))
for module in modules:
    halves = []
    for half in "AB":
        key = f"{module}.lora_{half}.weight"
        each = [tensor(file, start, header[key]) for file, (start, header) in zip(files, headers)]
        rows = [x if half == "A" else x.T for x in each]
        stack = numpy.concatenate(rows)
        halves.append(stack @ stack.T)
    rank = halves[0].shape[0] // len(files)
    product = halves[0] * halves[1]
    total += product.reshape(len(files), rank, len(files), rank).sum(axis=(1, 3))
assert numpy.isfinite(total).all()
print(time.perf_counter() - started)
