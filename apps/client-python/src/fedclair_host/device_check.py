"""``python -m fedclair_host.device_check`` trains a client on each device and in each number type, and prints what it found."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch.utils.data import TensorDataset

from .client import Job, Params, Update
from .codec import encode_update, to_array
from .device import choose_device, count_gpus, peak_memory
from .messages import HostMessage, decode
from .torch import TorchClient

_TIMES = 3


def main() -> None:
    count = count_gpus()
    print(f"PyTorch {torch.__version__} finds {count} GPUs{'' if count else ': only the CPU is checked'}")
    print("device  type      bytes sent  ms per update  same bytes  peak memory, of the GPU, MB  name")
    for device in ["cpu", *(f"cuda:{gpu}" for gpu in range(count))]:
        name = "" if device == "cpu" else torch.cuda.get_device_name(device)
        choose_device(device)
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            sent, ms, is_same = _train(dtype)
            own, gpu = (round(bytes / 1e6) for bytes in peak_memory())
            kind = str(dtype).partition(".")[2]
            print(f"{device:7} {kind:9} {sent:10} {ms:14.1f}  {'yes' if is_same else 'NO':10}  {own}, {gpu:<24} {name}")


def _train(dtype: torch.dtype) -> tuple[int, float, bool]:
    """Trains a small network several times. :returns: bytes of an update, ms for the last one, and whether all are the same"""
    draw = torch.Generator().manual_seed(1)
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)).to(dtype)
    data = TensorDataset(torch.randn(320, 784, generator=draw).to(dtype), torch.randint(10, (320,), generator=draw))
    client = TorchClient(model, data, torch.nn.functional.cross_entropy)
    job = Job("c0", 0, 1, 1, "train", 1, 1, {})
    params = Params({module.name: to_array(module.dense) for module in _send(Update(1, client.initial(job)))}, [])
    deltas = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        deltas.append(_send(client.train(params, job)))
    ms = 1000 * (time.perf_counter() - started)
    return sum(len(module.dense.data) for module in deltas[0]), ms, all(delta == deltas[0] for delta in deltas)


def _send(update: Update) -> Any:
    """Returns the modules of an update as they arrive."""
    return decode(HostMessage, encode_update(1, "c0", update)).client_update.delta.modules


if __name__ == "__main__":
    main()
