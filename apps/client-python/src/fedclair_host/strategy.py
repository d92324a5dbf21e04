"""A Flower strategy whose server step is ``fedclair aggregate``. It brings CLAIR, or any other aggregator, to your own ServerApp.

Clients send LoRA adapters whose tensors have the names that ``peft`` gives them. In each round the strategy writes one folder per
client with its adapter. The command then computes the new adapters and reports which clients are contaminated. Everything is kept in
``folder``: ``round-1``, ``handed-out-1`` with ``verdicts.json`` and ``report.html``, and so on, and ``state``.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence

import numpy as np
from flwr.app import Array as FlowerArray, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAvg
from safetensors.numpy import load_file, save_file

_PAIR = re.compile(r"^(?P<module>.+)\.lora_(?P<half>[AB])(?:\.[^.]+)?\.weight$")


class FedclairStrategy(FedAvg):
    """FedAvg's sampling and evaluation with another server step.

    :param folder: where rounds and state are kept; use a new one for every run
    :param config: contents of ``adapter_config.json``: ``r``, ``lora_alpha``, … (``LoraConfig.to_dict()``)
    :param options: options of ``fedclair aggregate``, for example ``["--set", "models=global"]``
    :param command: the command that runs fedclair
    :param name_of: returns the name of the client that sent a reply; must be the same in every round
    :param flower: options of FedAvg
    """

    def __init__(
        self,
        folder: str | Path,
        config: Mapping[str, Any],
        *,
        aggregator: str = "clair",
        options: Sequence[str] = (),
        command: Sequence[str] = ("npx", "fedclair"),
        name_of: Callable[[Message], str] = lambda reply: f"node-{reply.metadata.src_node_id}",
        **flower: Any,
    ):
        super().__init__(**flower)
        self.verdicts: list[dict[str, Any]] = []
        """The contents of ``verdicts.json``, one entry per round."""
        self._folder = Path(folder)
        self._config = {**config, "peft_type": "LORA"}
        self._call = [*command, "aggregate"], ["--aggregator", aggregator, *options]
        self._name_of = name_of
        self._names: dict[int, str] = {}
        """Client names by node id."""
        self._keys: dict[str, str] = {}
        """Maps the name of a tensor in a file to the name that clients use for it."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        valid, _ = self._check_and_log_replies(replies, is_train=True)
        if not valid:
            return None, None
        examples = {self._save(server_round, reply): _examples(reply, self.weighted_by_key) for reply in valid}
        counts = self._folder / f"examples-{server_round}.json"
        counts.write_text(json.dumps(examples), encoding="utf-8")
        handed_out = self._handed_out_folder(server_round)
        before, after = self._call
        paths = ["--examples", counts, "--state", self._folder / "state", "--out", handed_out]
        call = [*before, self._folder / f"round-{server_round}", *after, *paths]
        done = subprocess.run([str(word) for word in call], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"fedclair aggregate: {done.stderr.strip()}")
        self.verdicts.append(json.loads((handed_out / "verdicts.json").read_text(encoding="utf-8")))
        metrics = self.train_metrics_aggr_fn([reply.content for reply in valid], self.weighted_by_key)
        return self._load(handed_out / "global"), metrics

    def configure_train(self, server_round: int, *args: Any) -> Iterable[Message]:
        return self._send_own_adapters(super().configure_train(server_round, *args))

    def configure_evaluate(self, server_round: int, *args: Any) -> Iterable[Message]:
        return self._send_own_adapters(super().configure_evaluate(server_round, *args))

    def _send_own_adapters(self, messages: Iterable[Message]) -> list[Message]:
        """Replaces the adapter in messages to clients that have a personal adapter."""
        if not self.verdicts:
            return list(messages)
        # The state counts server steps. A round without valid replies has none.
        personal = self._folder / "state" / f"round-{self.verdicts[-1]['round']}" / "personal"
        return [self._send_own_adapter(personal, message) for message in messages]

    def _send_own_adapter(self, personal: Path, message: Message) -> Message:
        node = message.metadata.dst_node_id
        own = self._load(personal / self._names.get(node, ""))
        if own is None:
            return message
        content = RecordDict({**message.content, self.arrayrecord_key: own})
        return Message(content=content, message_type=message.metadata.message_type, dst_node_id=node)

    def _handed_out_folder(self, server_round: int) -> Path:
        return self._folder / f"handed-out-{server_round}"

    def _save(self, server_round: int, reply: Message) -> str:
        """Writes a client's adapter and returns the client's name."""
        name = self._name_of(reply)
        self._names[reply.metadata.src_node_id] = name
        (arrays,) = reply.content.array_records.values()
        tensors = {}
        for key, array in arrays.items():
            match = _PAIR.match(key)
            if match is None:
                raise ValueError(f"{name} sent '{key}', expected tensors of LoRA pairs alone, as …lora_A.weight")
            file_key = f"{match['module']}.lora_{match['half']}.weight"
            self._keys[file_key] = key
            tensors[file_key] = np.ascontiguousarray(array.numpy())
        folder = self._folder / f"round-{server_round}" / name
        folder.mkdir(parents=True)
        save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
        (folder / "adapter_config.json").write_text(json.dumps(self._config, default=str), encoding="utf-8")
        return name

    def _load(self, folder: Path) -> ArrayRecord | None:
        file = folder / "adapter_model.safetensors"
        if not file.is_file():
            return None
        tensors = load_file(file)
        return ArrayRecord({self._keys[file_key]: FlowerArray(tensor) for file_key, tensor in tensors.items()})


def _examples(reply: Message, key: str) -> int:
    (metrics,) = reply.content.metric_records.values()
    return int(metrics[key])
