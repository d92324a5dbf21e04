"""A client's round of the task text-copy in PyTorch with one thread.

15 Adam steps on the LoRA adapters of a small Transformer. Sizes as in `libs/tasks/src/text-copy`: width
48, 4 heads, perceptrons of 96, two blocks, 12 positions, the last six of them predicted, 32 sequences per
step, rank 4 on q, k, v and o. The frozen weights are random, which does not change the time. `how` is
`eager`, one client after another, or `vmap`, all clients of the run as one batch by torch.func.
"""

import torch
from torch.func import grad, vmap
from torch.nn.functional import cross_entropy, layer_norm, relu

WIDTH, HEADS, HIDDEN, LENGTH, COPY, TOKENS, RANK = 48, 4, 96, 12, 6, 21, 4
SEQUENCES, STEPS, RATE = 32, 15, 0.01

torch.set_num_threads(1)
torch.manual_seed(1)


def weights(*shape):
    return torch.randn(shape) / shape[-1] ** 0.5


embedding, position, head = weights(TOKENS, WIDTH), weights(LENGTH, WIDTH), weights(TOKENS, WIDTH)
base = weights(8, WIDTH, WIDTH)  # q, k, v, o of the first block, then of the second
up, down = weights(2, HIDDEN, WIDTH), weights(2, WIDTH, HIDDEN)
mask = torch.triu(torch.full((LENGTH, LENGTH), -1e9), 1)


def block(x, i, w, count):
    """Computes the last `count` positions of every sequence; others of the last block are not used."""

    def split(y):
        return y.unflatten(-1, (HEADS, -1)).transpose(-3, -2)

    q, k, v = (layer_norm(x, (WIDTH,)) @ w[:3].reshape(-1, WIDTH).T).chunk(3, -1)
    q, k, v = split(q[:, -count:]), split(k), split(v)
    p = torch.softmax(q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + mask[-count:], -1)
    y = x[:, -count:] + (p @ v).transpose(-3, -2).flatten(-2) @ w[3].T
    return y + relu(layer_norm(y, (WIDTH,)) @ up[i].T) @ down[i].T


def loss(adapters, x, target):
    b, a = adapters
    w = base + b @ a
    y = block(block(x, 0, w[:4], LENGTH), 1, w[4:], COPY)
    return cross_entropy((layer_norm(y, (WIDTH,)) @ head.T).flatten(0, 1), target.flatten())


def client():
    """Embeds a client's sequences x SEP x and returns them with their targets."""
    tokens = torch.randint(TOKENS - 1, (SEQUENCES, COPY))
    separator = torch.full((SEQUENCES, 1), TOKENS - 1)
    read = torch.cat([tokens, separator, tokens[:, :-1]], 1)
    return embedding[read] + position, tokens


def eager(x, target):
    b = torch.zeros(8, WIDTH, RANK, requires_grad=True)
    a = weights(8, RANK, WIDTH).requires_grad_()
    optimizer = torch.optim.Adam([b, a], lr=RATE, fused=True)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss((b, a), x, target).backward()
        optimizer.step()
    return b.detach()


def together(x, target):
    count = len(x)
    adapters = [torch.zeros(count, 8, WIDTH, RANK), weights(8, RANK, WIDTH).repeat(count, 1, 1, 1)]
    means = [torch.zeros_like(p) for p in adapters]
    squares = [torch.zeros_like(p) for p in adapters]
    slopes = vmap(grad(loss))
    for step in range(1, STEPS + 1):
        gradients = slopes(tuple(adapters), x, target)
        for p, g, mean, square in zip(adapters, gradients, means, squares):
            mean.mul_(0.9).add_(g, alpha=0.1)
            square.mul_(0.999).addcmul_(g, g, value=0.001)
            root = (square / (1 - 0.999**step)).sqrt_().add_(1e-8)
            p.addcdiv_(mean, root, value=-RATE / (1 - 0.9**step))
    return adapters[0]


def prepare(how, clients):
    data = [client() for _ in range(clients)]
    x, target = (torch.stack(part) for part in zip(*data))

    def run():
        if how == "vmap":
            assert together(x, target).isfinite().all()
        else:
            assert all(eager(*one).isfinite().all() for one in data)

    return run
