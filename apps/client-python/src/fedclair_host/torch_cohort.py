"""Trains several clients in one computation. Their parameters are stacked, and `torch.func.vmap` runs the model on all of them at once,
so that PyTorch's time per operation is spent once per step instead of once per client."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

import torch
from torch.func import functional_call, vmap

#: They change every number by its own gradients alone, so that clients do not mix. Others, as LBFGS, look at all of them.
_ELEMENTWISE = (
    torch.optim.SGD,
    torch.optim.Adam,
    torch.optim.AdamW,
    torch.optim.Adagrad,
    torch.optim.Adamax,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.RMSprop,
)


def check_cohort(model: Any) -> None:
    """:raises ValueError: if clients cannot train a module together"""
    for name, module in model.named_modules():
        # Running means are changed in place, and dropout draws from a client's own seed. Rounding of convolutions depends on the number
        # of clients, and they are slower together.
        if isinstance(
            module,
            (torch.nn.modules.batchnorm._BatchNorm, torch.nn.modules.dropout._DropoutNd, torch.nn.modules.conv._ConvNd, torch.nn.RNNBase),
        ):
            raise ValueError(
                f"cohort: the model has {type(module).__name__} ({name or 'itself'}), which trains one client at a time only: "
                "leave cohort out, or use a model without it"
            )


@dataclass
class _Member:
    """A client that trains with others."""

    place: int
    steps: list[tuple[Any, Any]]
    """The batches of all epochs, in order."""
    losses: list[Any] = field(default_factory=list)
    end: Mapping[str, Any] = field(default_factory=dict)


def train_together(
    model: Any,
    starts: Sequence[Mapping[str, Any]],
    batches: Sequence[Iterable[tuple[Any, Any]]],
    loss: Callable[[Any, Any], Any],
    make_optimizer: Callable[[Iterable[Any]], Any],
    until: float,
) -> list[tuple[Mapping[str, Any], list[Any]]]:
    """Trains one copy of a model per client.

    Batches of one length are computed together, so that all shapes are the same in every group of clients, and with them the results.

    :param starts: the sent part of the module's state, one per client
    :param until: time of `time.monotonic` at which training stops
    :returns: the state after training and the loss of every step, one per client
    :raises ValueError: for an optimizer that mixes numbers, or a model that cannot be trained like this"""
    members = [_Member(place, list(each)) for place, each in enumerate(batches)]
    # Clients with more steps come first, so that those that still train are always the first ones.
    members.sort(key=lambda member: -len(member.steps))
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    stacked = {name: torch.stack([starts[member.place][name] for member in members]) for name in starts[0]}
    leaves = {name: stacked[name].requires_grad_() for name in stacked if name in trained}
    optimizer = make_optimizer(list(leaves.values()))
    if not isinstance(optimizer, _ELEMENTWISE):
        known = ", ".join(kind.__name__ for kind in _ELEMENTWISE)
        raise ValueError(f"cohort: expected an optimizer of {known}, got {type(optimizer).__name__}: leave cohort out")

    losses_of = vmap(lambda state, inputs, targets: loss(functional_call(model, state, (inputs,)), targets), randomness="error")
    active = len(members)
    for step in range(len(members[0].steps)):
        still = sum(len(member.steps) > step for member in members[:active])
        if still < active:
            _end(members[still:active], stacked, still)
            stacked = _keep(stacked, leaves, optimizer, still)
            active = still
        losses = _losses_of_step([member.steps[step] for member in members[:active]], stacked, losses_of)
        optimizer.zero_grad()
        torch.stack(losses).sum().backward()
        optimizer.step()
        for member, one in zip(members, losses):
            member.losses.append(one.detach())
        if time.monotonic() > until:
            break
    _end(members[:active], stacked, 0)
    members.sort(key=lambda member: member.place)
    return [(member.end, member.losses) for member in members]


def _losses_of_step(batches: Sequence[tuple[Any, Any]], stacked: Mapping[str, Any], losses_of: Callable[..., Any]) -> list[Any]:
    """Computes the losses of one batch per client, in their order."""
    device = next(iter(stacked.values())).device
    places: dict[int, list[int]] = {}
    for place, (_, targets) in enumerate(batches):
        places.setdefault(len(targets), []).append(place)
    losses: dict[int, Any] = {}
    for same in places.values():
        # PyTorch rounds a product of matrices differently if it is the only one, so one client is computed twice.
        rows = same * 2 if len(same) == 1 else same
        inputs = torch.stack([batches[row][0] for row in rows]).to(device)
        targets = torch.stack([batches[row][1] for row in rows]).to(device)
        state = stacked if rows == list(range(len(batches))) else {name: tensor[rows] for name, tensor in stacked.items()}
        losses.update(zip(same, losses_of(state, inputs, targets).unbind()))
    return [losses[place] for place in range(len(batches))]


def _end(members: Sequence[_Member], stacked: Mapping[str, Any], first: int) -> None:
    """Takes the state of members whose training is over from the stack. :param first: the place of the first one there"""
    for place, member in enumerate(members, first):
        member.end = {name: tensor.detach()[place].clone() for name, tensor in stacked.items()}


def _keep(stacked: dict[str, Any], leaves: dict[str, Any], optimizer: Any, count: int) -> dict[str, Any]:
    """Cuts the stack, and with it what the optimizer remembers, to the first clients."""
    cut = {name: tensor.detach()[:count].clone() for name, tensor in stacked.items()}
    renewed = {}
    for name, leaf in leaves.items():
        cut[name].requires_grad_()
        renewed[leaf] = cut[name]
        memory = optimizer.state.pop(leaf, {})
        if memory:
            optimizer.state[cut[name]] = {
                key: value[:count].clone() if torch.is_tensor(value) and value.shape == leaf.shape else value for key, value in memory.items()
            }
        leaves[name] = cut[name]
    for group in optimizer.param_groups:
        group["params"] = [renewed[leaf] for leaf in group["params"]]
    return cut
