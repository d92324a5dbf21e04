"""A Flower strategy whose server step is ``fedclair aggregate``. It brings CLAIR, or any other aggregator, to your own ServerApp.

Clients send LoRA adapters whose tensors have the names that ``peft`` gives them. In each round the strategy writes one folder per
client with its adapter. The command then computes the new adapters and reports which clients are contaminated. Everything is kept in
``folder``: ``round-1``, ``handed-out-1`` with ``verdicts.json`` and ``report.html``, and so on, and ``state``.
"""

from __future__ import annotations

import json
import logging
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping, Sequence

from flwr.app import Array as FlowerArray, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import FedAvg
from safetensors.numpy import load_file, save_file

from .client import Array
from .replies import Trained, WrongForm, name_in_file, read_examples, read_trained, usual_names, with_usual_metrics
from .text import printable

log = logging.getLogger("fedclair-host")


class FedclairStrategy(FedAvg):
    """FedAvg's sampling and evaluation with another server step.

    :param folder: where rounds and state are kept; a new one for every run
    :param config: contents of ``adapter_config.json``: ``r``, ``lora_alpha``, … (``LoraConfig.to_dict()``)
    :param options: options of ``fedclair aggregate``, for example ``["--set", "models=global"]``
    :param command: the command that runs fedclair; default: that of this package
    :param name_of: returns the name of the client that sent a reply. A client keeps its first name, which nobody else gets. If this
        name is taken, not printable or longer than 128 bytes, or cannot be read, the client is called ``node-`` and its node id
    :param flower: options of FedAvg
    :raises ValueError: if the folder holds the rounds of another run
    """

    def __init__(
        self,
        folder: str | Path,
        config: Mapping[str, Any],
        *,
        aggregator: str = "clair",
        options: Sequence[str] = (),
        command: Sequence[str] | None = None,
        name_of: Callable[[Message], str] = lambda reply: f"node-{reply.metadata.src_node_id}",
        **flower: Any,
    ):
        super().__init__(**flower)
        self.verdicts: list[dict[str, Any]] = []
        """The contents of ``verdicts.json``, one entry per round."""
        self._folder = Path(folder)
        used = sorted(one.name for one in self._folder.glob("*") if one.name == "state" or one.name.startswith("round-"))
        if used:
            raise ValueError(f"folder: '{self._folder}' holds the rounds of an earlier run ({used[0]}): expected a new one")
        self._config = {**config, "peft_type": "LORA"}
        if command is None:
            # Not `npx fedclair`, which asks the registry for a package of this name where npm has not installed one.
            from fedclair_command import command as find_command

            command = find_command()
        self._call = [*command, "aggregate"], ["--aggregator", aggregator, *options]
        self._name_of = name_of
        self._names: dict[int, str] = {}
        """Client names by node id."""
        self._keys: dict[str, str] = {}
        """Maps the name of a tensor in a file to the name that clients use for it."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        answered, _ = self._check_and_log_replies(list(replies), is_train=True, validate=False)
        self._keys = self._keys or usual_names(answered)
        trained, invalid = self._read_all(answered)
        if not trained:
            return None, None
        for name in [*trained, *invalid]:
            self._save(server_round, name, trained[name][1].tensors if name in trained else {})
        counts = self._folder / f"examples-{server_round}.json"
        counts.write_text(json.dumps({name: read.examples for name, (_, read) in trained.items()}), encoding="utf-8")
        handed_out = self._handed_out_folder(server_round)
        before, after = self._call
        paths = ["--examples", counts, "--state", self._folder / "state", "--out", handed_out]
        call = [*before, self._folder / f"round-{server_round}", *after, *paths]
        done = subprocess.run([str(word) for word in call], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"fedclair aggregate: {done.stderr.strip()}")
        verdicts = json.loads((handed_out / "verdicts.json").read_text(encoding="utf-8"))
        for client in verdicts.get("clients", []):
            if client["name"] in invalid:
                client["reason"] = invalid[client["name"]]
        self.verdicts.append(verdicts)
        usual = with_usual_metrics([reply for reply, _ in trained.values()])
        return self._load(handed_out / "global"), self.train_metrics_aggr_fn([reply.content for reply in usual], self.weighted_by_key)

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """Measures what FedAvg does, without replies of a wrong form."""
        answered, _ = self._check_and_log_replies(list(replies), is_train=False, validate=False)
        valid = []
        for reply in answered:
            try:
                read_examples(reply, self.weighted_by_key)
                valid.append(reply)
            except WrongForm as error:
                log.warning("round %s: the measures of node %s do not count: %s", server_round, reply.metadata.src_node_id, error)
        usual = with_usual_metrics(valid)
        return self.evaluate_metrics_aggr_fn([reply.content for reply in usual], self.weighted_by_key) if usual else None

    def _read_all(self, replies: Sequence[Message]) -> tuple[dict[str, tuple[Message, Trained]], dict[str, str]]:
        """Returns the replies that can be read, and why others cannot, by client."""
        trained: dict[str, tuple[Message, Trained]] = {}
        invalid: dict[str, str] = {}
        for reply in replies:
            name = self._name(reply)
            try:
                trained[name] = (reply, read_trained(reply, self._keys, self.weighted_by_key))
            except WrongForm as error:
                invalid[name] = str(error)
                log.warning("%s is invalid: %s", name, error)
        return trained, invalid

    def _name(self, reply: Message) -> str:
        """Returns the name of a client, which is that of a folder."""
        node = reply.metadata.src_node_id
        if node not in self._names:
            self._names[node] = self._first_name(reply)
        return self._names[node]

    def _first_name(self, reply: Message) -> str:
        of_node = f"node-{reply.metadata.src_node_id}"
        try:
            name = str(self._name_of(reply))
        except Exception as error:  # the reply lacks what the name is made of, or has it in a wrong form
            log.warning("%s has no name: %s", of_node, printable(repr(error), 300))
            return of_node
        is_plain = name.isprintable() and name == name.strip() and name[:1] not in ("", ".") and not set("/\\") & set(name)
        is_free = name not in self._names.values() and not name.startswith("node-")
        if is_plain and is_free and len(name.encode()) <= 128:
            return name
        if name != of_node:
            log.warning("%s cannot have the name '%s'", of_node, printable(name, 128))
        return of_node

    def configure_train(self, server_round: int, arrays: ArrayRecord, *args: Any) -> Iterable[Message]:
        for key in arrays:
            in_file = name_in_file(key)
            if in_file is None:
                raise ValueError(f"arrays: '{key}': expected tensors of LoRA pairs alone, as …lora_A.weight")
            self._keys[in_file] = key
        return self._send_own_adapters(super().configure_train(server_round, arrays, *args))

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

    def _save(self, server_round: int, name: str, tensors: Mapping[str, Array]) -> None:
        """Writes a client's adapter. The command calls a client without tensors invalid."""
        folder = self._folder / f"round-{server_round}" / name
        folder.mkdir(parents=True)
        if tensors:
            save_file(dict(tensors), folder / "adapter_model.safetensors", {"format": "pt"})
        (folder / "adapter_config.json").write_text(json.dumps(self._config, default=str), encoding="utf-8")

    def _load(self, folder: Path) -> ArrayRecord | None:
        file = folder / "adapter_model.safetensors"
        if not file.is_file():
            return None
        tensors = load_file(file)
        return ArrayRecord({self._keys[file_key]: FlowerArray(tensor) for file_key, tensor in tensors.items()})
