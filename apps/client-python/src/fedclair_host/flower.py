"""Adapter for Flower: runs an unmodified ClientApp of the Message API as the clients of a host.

Each job becomes a ``train`` or ``evaluate`` message with two records. ``arrays`` has the params. ``config`` has the run config from
the app's pyproject.toml, plus ``server-round``, ``seed`` and ``common-seed``. The client's change is the reply's arrays minus the
arrays that were sent. The reply's metrics become the client's metrics, and its metric ``num-examples`` the number of samples.

A ``train`` message to a client whose data the trial contaminates also has the ConfigRecord ``contamination``, for `job_of`. Only apps
that declare the attack receive it (``app.contaminations = LABEL_ATTACKS``).
"""

from __future__ import annotations

import json
import re
import time
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np
from flwr.app import Array as FlowerArray, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.app import Metadata
from flwr.clientapp import ClientApp

from .client import Array, Client, Contamination, Delta, Job, Params, Update
from .runner import log
from .stream import Stream

Initial = Callable[[], Any]
"""Returns the initial params: a torch module, a state dict, an ArrayRecord, arrays by name, or a list of arrays, which Flower names 0, 1, …"""


def flower_clients(app: Any, initial: Initial | None = None) -> Callable[[int], Client]:
    """Wraps a ClientApp as a function that creates clients.

    :param app: a ClientApp
    :param initial: needed for trials with ``modules: from-first-host``
    """
    if not isinstance(app, ClientApp):
        raise TypeError(f"expected a flwr.clientapp.ClientApp, got {type(app).__name__}")
    run_config = _run_config(Path("pyproject.toml"))
    states: dict[int, RecordDict] = {}

    def make_client(index: int) -> Client:
        return _FlowerClient(app, initial, run_config, states.setdefault(index, RecordDict()))

    return make_client


@dataclass(frozen=True)
class FlowerJob:
    """What a message to a ClientApp says about the contamination of its data. `contaminate_labels` and `contaminate` take it as a job."""

    contamination: Contamination | None


def job_of(message: Message) -> FlowerJob:
    """Reads how a client contaminates the data that it trains on. Without fedclair's host no client does.

    :param message: the message that the app's function received"""
    record = message.content.config_records.get(_CONTAMINATION)
    if record is None:
        return FlowerJob(None)
    options = json.loads(record["options"])
    return FlowerJob(Contamination(record["kind"], options, Stream(record["stream"]), Stream(record["common-stream"])))


_CONTAMINATION = "contamination"


def _contamination_record(contamination: Contamination) -> ConfigRecord:
    return ConfigRecord(
        {
            "kind": contamination.kind,
            "options": json.dumps(contamination.options),
            "stream": contamination.rng.path,
            "common-stream": contamination.common.path,
        }
    )


class _FlowerClient(Client):
    def __init__(self, app: ClientApp, initial: Initial | None, run_config: Mapping[str, Any], state: RecordDict):
        self._app = app
        self._initial = initial
        self._run_config = run_config
        self._state = state
        """The state that the app keeps for this client between jobs, as in Flower."""

    def initial(self, job: Job) -> Delta:
        if self._initial is None:
            raise NotImplementedError("a ClientApp has no initial params: give --initial module:function, or name the modules in the trial file")
        value = self._initial()
        if isinstance(value, (list, tuple)):
            value = {str(index): array for index, array in enumerate(value)}
        if not hasattr(value, "state_dict") and not hasattr(value, "items"):
            expected = "a torch module, a state dict, an ArrayRecord, arrays by name or a list of arrays"
            raise TypeError(f"the function named by initial returned {type(value).__name__}: expected {expected}")
        return _arrays(value)

    def train(self, params: Params, job: Job) -> Update:
        content = self._reply("train", params, job)
        records = list(content.array_records.values())
        if len(records) != 1:
            raise ValueError(f"the reply to train has {len(records)} ArrayRecords, expected one")
        new = _arrays(records[0])
        if list(new) != list(params):
            raise ValueError(f"the reply has the arrays {list(new)[:5]}, expected {list(params)[:5]}")
        delta = {name: _difference(new[name], params[name]) for name in params}
        count, metrics = _read_metrics(content)
        return Update(count, delta, metrics)

    def evaluate(self, params: Params, job: Job) -> Update:
        try:
            reply = self._reply("evaluate", params, job)
        except ValueError as error:  # Flower's message for a missing function
            if re.match(r"No `?evaluate`? function registered", str(error)):
                raise NotImplementedError("the app does not measure") from error
            raise
        count, metrics = _read_metrics(reply)
        return Update(count, metrics=metrics)

    def _reply(self, kind: str, params: Params, job: Job) -> RecordDict:
        context = Context(
            run_id=1,
            node_id=job.client_index + 1,
            node_config={"partition-id": job.client_index, "num-partitions": job.client_count},
            state=self._state,
            run_config=dict(self._run_config),
        )
        job_config = {"server-round": job.round, "seed": job.seed, "common-seed": job.common_seed}
        config = ConfigRecord({**self._run_config, **_config_of(job.trial, kind), **job_config})
        content = RecordDict(
            {
                "arrays": ArrayRecord({name: FlowerArray(np.array(array)) for name, array in params.items()}),
                "config": config,
            }
        )
        if job.contamination is not None:
            content[_CONTAMINATION] = _contamination_record(job.contamination)
        metadata = Metadata(
            run_id=1,
            message_id=f"{job.round}-{job.client_id}-{kind}",
            src_node_id=0,
            dst_node_id=context.node_id,
            reply_to_message_id="",
            group_id=str(job.round),
            created_at=time.time(),
            ttl=float(job.trial.get("limits", {}).get("clientSeconds", 30)) + 3600,
            message_type=kind,
        )
        try:
            reply = self._app(Message(content=content, metadata=metadata), context)
        except KeyError as error:
            key = error.args[0] if error.args else None
            if not isinstance(key, str) or key in config or not _reads(error, config):
                raise
            raise ValueError(
                f"the app reads {key!r} of the message's config, which has {', '.join(config)}: set it in the trial file, "
                f"as flower: {{ app: …, {kind}Config: {{ {key}: … }} }}"
            ) from error
        if reply.has_error():
            raise RuntimeError(f"the app answered with error {reply.error.code}: {reply.error.reason}")
        if len(self._state) > 0:
            _warn_of_state()
        return reply.content


def _config_of(trial: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """What the trial file says in place of a ServerApp's train_config or evaluate_config."""
    flower = trial.get("flower")
    return flower.get(f"{kind}Config") or {} if isinstance(flower, dict) else {}


def _reads(error: KeyError, config: ConfigRecord) -> bool:
    """Was the missing key asked of this record? Flower's lookup is the innermost frame, with the record as its `self`."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_locals.get("self") is config:
            return True
        trace = trace.tb_next
    return False


@cache
def _warn_of_state() -> None:
    log.warning(
        "the app keeps a state for its clients (context.state). It stays on this host, so it is lost for a client that another host runs next, "
        "and all arms of the trial share it: use one host and no baselines if results depend on it"
    )


def _arrays(value: Any) -> dict[str, Array]:
    if hasattr(value, "state_dict"):
        value = value.state_dict()
    return {name: _numpy(array) for name, array in value.items()}


def _numpy(array: Any) -> Array:
    if hasattr(array, "detach"):
        array = array.detach().cpu()
    numbers = array.numpy() if hasattr(array, "numpy") else np.asarray(array)
    return np.asarray(numbers)


def _difference(new: Array, old: Array) -> Array:
    if new.shape != old.shape:
        raise ValueError(f"the reply has an array of shape {new.shape}, expected {old.shape}")
    return (new.astype(np.float64) - old.astype(np.float64)).astype(old.dtype)


def _read_metrics(content: RecordDict) -> tuple[int, dict[str, float]]:
    numbers = {
        name: value
        for record in content.metric_records.values()
        for name, value in record.items()
        if not isinstance(value, list)
    }
    if "num-examples" not in numbers:
        raise ValueError(f"the reply's metrics {list(numbers)[:5]} lack num-examples")
    count = int(numbers.pop("num-examples"))
    return count, {name: float(value) for name, value in numbers.items()}


def _run_config(project: Path) -> dict[str, Any]:
    """The app's own configuration. Nested keys are joined with dots, as in Flower."""
    if not project.exists():
        return {}
    table = tomllib.loads(project.read_text(encoding="utf-8"))
    for key in ("tool", "flwr", "app", "config"):
        table = table.get(key, {})
    return dict(_flat(table))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Any:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
