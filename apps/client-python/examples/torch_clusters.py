"""A torch network that learns to tell five clusters of points apart. Every client has points of its own, turned by its own angle."""

import sys

import numpy as np
import torch
from torch.utils.data import TensorDataset

import fedclair
from fedclair_host.torch import TorchClient, accuracy

classes, samples = 5, 200
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, classes))


def points(index: int, stream: int) -> TensorDataset:
    rng = np.random.default_rng([index, stream])
    angle = np.random.default_rng(index).normal(0, 0.03)
    label = rng.integers(classes, size=samples)
    around = 2 * np.pi * label / classes + angle
    x = np.stack([np.cos(around), np.sin(around)], axis=1) + rng.normal(0, 0.25, (samples, 2))
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(label))


def make_client(index: int) -> TorchClient:
    return TorchClient(
        model, points(index, 0), torch.nn.functional.cross_entropy, held_out=points(index, 1), epochs=3,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.3), metrics={"accuracy": accuracy},
    )  # fmt: skip


if __name__ == "__main__":
    run = fedclair.run("torch_clusters.yaml", hosts=int(sys.argv[1]) if len(sys.argv) > 1 else None, report=True)
    last = run.verdicts.query("arm == 'clair' and round == round.max()")
    print(last[last.status == "contaminated"].to_string(index=False))
    print(f"recall {run.summary['measures']['detection.recall']}, figures in {run.folder / 'figures'}")
