"""Adapter for PEFT: clients that train a LoRA adapter of one model that all clients of the host share.

For the weights under the adapter, the params of the federation are their changes, by module. A client adds these changes to the
weights, trains an adapter that starts at zero, and sends the adapter as a low-rank pair. Nothing dense is sent to the coordinator for
these weights. All other trainable parameters (a head in `modules_to_save`, biases, DoRA's magnitudes, factors of an embedding) are
dense params under their own names. They hold the values themselves and start with those of the first host.
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from .client import Array, Change, Client, Delta, Job, LowRank, Params, Update
from .example_attacks import EXAMPLE_ATTACKS, IGNORED, Example, contaminate_examples, labels_of
from .device import to_device
from .torch_seed import seeded


class PeftClient(Client):
    backend = "python-torch"
    contaminations = EXAMPLE_ATTACKS

    def __init__(
        self,
        model: Any,
        dataset: Sequence[Example],
        *,
        held_out: Sequence[Example] = (),
        steps: int = 50,
        batch_size: int = 8,
        learning_rate: float = 1e-3,
        collate: Callable[[Sequence[Example]], Mapping[str, torch.Tensor]] | None = None,
        trainer: Callable[[Any, Sequence[Example], Job], Any] | None = None,
    ):
        """:param model: a PeftModel with one LoRA adapter, created once per process; clients take turns with it
        :param dataset: examples to train on, of equal length unless `collate` pads them
        :param held_out: examples to evaluate on; without any the client does not evaluate
        :param steps: AdamW steps per round
        :param trainer: creates what trains in place of these steps: a `transformers.Trainer`, from the model, the examples of the job,
            which all have ``labels``, and the job. Pass it ``seed=job.seed``; `steps`, `batch_size` and `learning_rate` are its own"""
        self._shared = _Shared.of(to_device(model))
        self._dataset = dataset
        self._held_out = held_out
        self._steps = steps
        self._batch_size = batch_size
        self._learning_rate = learning_rate
        self._collate = collate or _stack
        self._trainer = trainer

    def initial(self, job: Job) -> Delta:
        """Returns pairs of rank 0 for the weights under the adapter, which start unchanged, and the values of the dense params."""
        pairs = {
            name: LowRank(np.zeros((p, 0), np.float32), np.zeros((0, q), np.float32))
            for name, (p, q) in self._shared.shapes().items()
        }
        return {**pairs, **self._shared.own_values}

    def train(self, params: Params, job: Job) -> Update:
        model = self._shared.start(params, job)
        data = self._training_data(job)
        model.train()
        with seeded(model.device, job.seed):
            loss = self._step(model, data, job) if self._trainer is None else self._run_trainer(model, data, job)
        return Update(len(data), self._shared.changes(params), {"loss": loss})

    def _step(self, model: Any, data: Sequence[Example], job: Job) -> float:
        """Trains by AdamW. :returns: the mean loss of the last quarter of the steps"""
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=self._learning_rate, weight_decay=0.0)
        order = np.random.default_rng(job.seed)
        losses = []
        for _ in range(self._steps):
            chosen = order.choice(len(data), size=min(self._batch_size, len(data)), replace=False)
            batch = [data[int(i)] for i in chosen]
            loss = self._loss(model, batch, data is not self._dataset)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        last = losses[-max(1, len(losses) // 4) :]
        return sum(last) / len(last)

    def _run_trainer(self, model: Any, data: Sequence[Example], job: Job) -> float:
        """Trains by the caller's trainer. :returns: its mean loss"""
        assert self._trainer is not None
        examples = [data[i] if "labels" in data[i] else {**data[i], "labels": data[i]["input_ids"]} for i in range(len(data))]
        trainer = self._trainer(model, examples, job)
        if data is not self._dataset:
            trainer.data_collator = _Checked(trainer.data_collator)
        attributes = dict(vars(model))
        try:
            return float(trainer.train().training_loss)
        finally:
            # With mixed precision a trainer wraps `forward`, and the next one would wrap that.
            vars(model).clear()
            vars(model).update(attributes)

    def evaluate(self, params: Params, job: Job) -> Update:
        if not self._held_out:
            raise NotImplementedError("this client has nothing held out to measure on")
        model = self._shared.start(params, job)
        model.eval()
        total = 0.0
        with torch.no_grad():
            for at in range(0, len(self._held_out), self._batch_size):
                batch = [self._held_out[i] for i in range(at, min(at + self._batch_size, len(self._held_out)))]
                total += float(self._loss(model, batch)) * len(batch)
        loss = total / len(self._held_out)
        return Update(len(self._held_out), metrics={"loss": loss, "perplexity": math.exp(min(loss, 700.0))})

    def _training_data(self, job: Job) -> Sequence[Example]:
        """Returns the examples that the client trains on: its own ones, or contaminated ones."""
        if job.contamination is None:
            return self._dataset
        return contaminate_examples(self._dataset, self._count_classes(), job)

    def _count_classes(self) -> int:
        """Returns the number of classes, or of tokens in a vocabulary: the width of what the model returns."""
        model = self._shared.model
        model.eval()
        with torch.no_grad():
            logits = getattr(model(**self._batch(model, [self._dataset[0]])), "logits", None)
        if logits is None:
            raise ValueError(f"attacks: {type(model.get_base_model()).__name__} returns no logits, so its number of classes is unknown")
        return int(logits.shape[-1])

    def _batch(self, model: Any, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        batch = {name: tensor.to(model.device) for name, tensor in self._collate(examples).items()}
        if "labels" not in batch:
            batch["labels"] = batch["input_ids"]
        return batch

    def _loss(self, model: Any, examples: Sequence[Example], is_contaminated: bool = False) -> torch.Tensor:
        batch = self._batch(model, examples)
        if is_contaminated:
            _check_labels(batch["labels"], examples)
        loss: torch.Tensor = model(**batch).loss
        return loss


class _Shared:
    """A model with its original state: the weights under its adapter, the dense params and the buffers."""

    def __init__(self, model: Any):
        self.model = model
        self.layers = dict(_lora_layers(model))
        if not self.layers:
            raise ValueError("the model has no LoRA layers: make it with peft.get_peft_model(model, LoraConfig(...))")
        self._own = {name: _weight(layer).detach().clone() for name, layer in self.layers.items()}
        in_pairs = {id(factor) for layer in self.layers.values() for factor in _factors(layer)}
        under = {id(layer.get_base_layer().weight) for layer in self.layers.values()}
        names_of = {id(parameter): name for name, parameter in model.named_parameters()}
        self._dense: dict[str, torch.Tensor] = {}
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad or id(parameter) in in_pairs:
                continue
            if id(parameter) in under:
                raise ValueError(f"{name} is trained beside its own adapter: set its requires_grad to False, or leave it out of target_modules")
            self._dense[_plain(name)] = parameter
        for name, parameter in model.named_parameters(remove_duplicate=False):
            if id(parameter) in under and names_of[id(parameter)] != name:
                raise ValueError(
                    f"{names_of[id(parameter)]}, under an adapter, is {name} too: what the adapter of the one learns would change the other; "
                    "leave it out of target_modules, or untie the two (tie_word_embeddings=False)"
                )
        self.own_values = {name: _numpy(parameter).copy() for name, parameter in self._dense.items()}
        """The original values of the dense params."""
        self._buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]

    @staticmethod
    def of(model: Any) -> _Shared:
        known: _Shared | None = getattr(model, "_fedclair_shared", None)
        if known is None:
            known = model._fedclair_shared = _Shared(model)
        return known

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Returns the shapes of the weights under the adapter: outputs × inputs."""
        return {name: (weight.shape[0], weight.shape[1]) for name, weight in self._own.items()}

    def start(self, params: Params, job: Job) -> Any:
        """Copies the params into the model and resets the adapter. A is the same for all clients of a round, B is zero.

        :raises ValueError: if params of the trial start as zeros where the model needs values
        """
        if self._dense and job.trial.get("task", {}).get("modules") != "from-first-host":
            names = ", ".join(list(self._dense)[:3]) + (", …" if len(self._dense) > 3 else "")
            raise ValueError(
                f"the model trains {names} beside its LoRA pairs, and these start with values: say "
                "modules: from-first-host in the trial's task, or set their requires_grad to False (modules_to_save=None, bias='none')"
            )
        with torch.no_grad():
            for name, layer in self.layers.items():
                weight = _weight(layer)
                change = torch.tensor(params.resolve(name), device=weight.device)
                weight.copy_((self._own[name].double() + change).to(weight.dtype))
            for name, parameter in self._dense.items():
                parameter.copy_(torch.tensor(params.resolve(name)))
            for buffer, own in self._buffers:
                buffer.copy_(own)
            generator = torch.Generator().manual_seed(job.common_seed)
            for layer in self.layers.values():
                a, b = _factors(layer)
                bound = 1 / math.sqrt(a.shape[1])  # as PEFT: kaiming_uniform with a = √5
                a.copy_((torch.rand(a.shape, generator=generator) * 2 - 1) * bound)
                b.zero_()
        return self.model

    def changes(self, params: Params) -> Delta:
        """Returns the adapter as pairs, with its scale in b, and the change of the dense params since the start of the job."""
        changes: dict[str, Change] = {}
        for name, layer in self.layers.items():
            a, b = (_numpy(factor) for factor in _factors(layer))
            changes[name] = LowRank(b * np.float32(next(iter(layer.scaling.values()))), a.copy())
        for name, parameter in self._dense.items():
            changes[name] = _numpy(parameter) - params.resolve(name)
        return changes


def _lora_layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Yields the layers with their names in the model before PEFT, which stay the same when the adapter is merged."""
    from peft.tuners.lora import Linear

    for name, layer in model.named_modules():
        if isinstance(layer, Linear):
            yield name.removeprefix("base_model.model."), layer


def _plain(name: str) -> str:
    """Returns a parameter's name in the model before PEFT, if it has one."""
    return re.sub(r"^base_model\.model\.|\.base_layer(?=\.)|\.modules_to_save\.[^.]+", "", name)


def _weight(layer: Any) -> torch.Tensor:
    """Returns a view of the weight under the adapter, outputs × inputs. GPT-2's Conv1D stores the transpose."""
    weight: torch.Tensor = layer.get_base_layer().weight
    return weight.T if layer.fan_in_fan_out else weight


def _numpy(tensor: torch.Tensor) -> Array:
    array: Array = tensor.detach().float().cpu().numpy()
    return array


def _factors(layer: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the factors of the layer's only adapter: A, r×q, and B, p×r."""
    [a], [b] = layer.lora_A.values(), layer.lora_B.values()
    return a.weight, b.weight


class _Checked:
    """A trainer's `data_collator` that must keep contaminated labels."""

    def __init__(self, collate: Callable[[Sequence[Example]], Mapping[str, Any]]):
        self._collate = collate

    def __call__(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        batch = self._collate(examples)
        _check_labels(batch["labels"], examples)
        return batch


def _check_labels(labels: torch.Tensor, examples: Sequence[Example]) -> None:
    """:raises ValueError: if `collate` has made other labels than those of contaminated examples, which would undo an attack"""
    given = np.concatenate([labels_of(example).reshape(-1) for example in examples])
    batched = labels.cpu().numpy().reshape(-1)
    if not np.array_equal(batched[batched != IGNORED], given[given != IGNORED]):
        raise ValueError("collate: it does not keep the contaminated labels of the examples: return them as they are, padded with -100")


def _stack(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    return {name: torch.stack([torch.as_tensor(example[name]) for example in examples]) for name in examples[0]}
