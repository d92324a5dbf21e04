"""The federation as clients of fedclair: those of the other sides, a `TorchClient`, and one that trains with others."""

from federation import BATCH, RATE, clients, images, labels, model, train
from fedclair_host import Client, Job, Params, Update
from fedclair_host.torch import TorchClient
import torch
from torch.utils.data import TensorDataset


class Same(Client):
    """Trains by the same function as on the other sides."""

    backend = "python-torch"

    def __init__(self, index: int):
        self.index = index

    def initial(self, job: Job):
        return {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}

    def train(self, params: Params, job: Job) -> Update:
        start = {name: torch.tensor(array) for name, array in params.items()}
        model.load_state_dict(start)
        count = train(model, self.index, job.seed)
        return Update(count, {name: (tensor - start[name]).numpy() for name, tensor in model.state_dict().items()})


def torch_client(index: int, **options) -> TorchClient:
    x = images[clients[index]].float() / 255
    data = TensorDataset(x, labels[clients[index]])
    loss = torch.nn.functional.cross_entropy
    return TorchClient(model, data, loss, optimizer=lambda p: torch.optim.SGD(p, lr=RATE), batch_size=BATCH, **options)


def alone(index: int) -> TorchClient:
    return torch_client(index)


def together(index: int) -> TorchClient:
    return torch_client(index, cohort=16)
