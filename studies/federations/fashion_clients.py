"""Clients in PyTorch that recognise clothes (Fashion-MNIST), with the shares that the task ``digits`` gives the same images."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Subset, TensorDataset

import fedclair
from fedclair_host.torch import TorchClient, accuracy

folder = Path(__file__).parents[2] / "runs/federations/fashion-mnist"
WITHHELD = 2000  # `uniformDigits` of fashion-mnist.yaml


def read(kind: str, header: int) -> torch.Tensor:
    """Reads the four IDX files as the task ``digits`` does: the images for training, then those for tests."""
    files = [gzip.decompress((folder / f"{name}-{kind}-ubyte.gz").read_bytes()) for name in ("train", "t10k")]
    return torch.from_numpy(np.concatenate([np.frombuffer(file, np.uint8, offset=header) for file in files]))


images = read("images-idx3", 16).view(-1, 1, 28, 28)
labels = read("labels-idx1", 8).long()
data = TensorDataset(images, labels)
shares: dict[int, list[np.ndarray]] = {}


def share(index: int, clients: int) -> tuple[Subset, Subset]:
    """The images of a client: four fifths to train on, and the rest to be measured on."""
    if clients not in shares:
        shares[clients] = fedclair.partition(labels, "dirichlet", alpha=1, clients=clients, withheld=WITHHELD)
    own = shares[clients][index]
    border = min(int(np.ceil(0.8 * len(own))), len(own) - 1)
    return Subset(data, own[:border].tolist()), Subset(data, own[border:].tolist())


class Pixels(torch.nn.Module):
    """Bytes in memory become numbers in 0 … 1 when a batch is read."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float() / 255


torch.manual_seed(1)
mlp = torch.nn.Sequential(
    Pixels(), torch.nn.Flatten(), torch.nn.Linear(784, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
)
cnn = torch.nn.Sequential(
    Pixels(),
    *(torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
    *(torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
    *(torch.nn.Flatten(), torch.nn.Linear(32 * 7 * 7, 10)),
)


def make_client(index: int, model: torch.nn.Module, clients: int, cohort: int = 1) -> TorchClient:
    own, held_out = share(index, clients)
    return TorchClient(
        model,
        own,
        torch.nn.functional.cross_entropy,
        held_out=held_out,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        metrics={"accuracy": accuracy},
        cohort=cohort,
    )


def mlp_100(index: int) -> TorchClient:
    return make_client(index, mlp, 100, cohort=16)


def mlp_1000(index: int) -> TorchClient:
    return make_client(index, mlp, 1000, cohort=16)


def cnn_100(index: int) -> TorchClient:
    return make_client(index, cnn, 100)


def cnn_1000(index: int) -> TorchClient:
    return make_client(index, cnn, 1000)
