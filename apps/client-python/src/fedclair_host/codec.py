"""Converts between numpy and the messages of proto/fedclair/v1."""

from __future__ import annotations

import json
from typing import Any, Mapping, Sequence

import numpy as np

from .client import Array, Bfloat16, Client, Contamination, Delta, Job, LowRank, Params, Update
from .messages import HostMessage, WireError, check_job, check_params, check_tensor, format_shape, kinds, multiplied_shape
from .stream import Stream

_dtypes: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 2: np.dtype("<f8"), 3: np.dtype("<u2"), 5: np.dtype("<f2")}
_bfloat16 = 3
_codes = {dtype.str: code for code, dtype in _dtypes.items()}


def to_array(tensor: Any) -> Array:
    """Returns a read-only view of the message's bytes; of bfloat16, a copy in float32. :raises WireError: as `check_tensor`"""
    shape = check_tensor(tensor)
    numbers = np.frombuffer(tensor.data, _dtypes[tensor.dtype]).reshape(shape)
    return (numbers.astype("<u4") << 16).view("<f4") if tensor.dtype == _bfloat16 else numbers


def to_params(sent: Any) -> dict[str, Array]:
    """Converts params to arrays by name. :raises WireError: as `check_params`"""
    check_params(sent)
    return {param.name: to_array(param.tensor) for param in sent.params}


def to_job(sent: Any, bases: Mapping[int, dict[str, Array]], trial: Mapping[str, Any]) -> tuple[str, Job, Params]:
    """Returns the kind of a job, the job and its params. :raises WireError: as `check_job`"""
    base = bases.get(sent.base_id, {})
    check_job(sent, {sent.base_id: {name: array.shape for name, array in base.items()}} if sent.base_id in bases else {})
    rounds = [[_to_term(delta) for delta in terms.terms] for terms in sent.rounds]
    job = Job(
        client_id=sent.client_id,
        client_index=sent.client_index,
        client_count=sent.client_count,
        round=sent.round,
        phase=sent.phase,
        seed=sent.seed,
        common_seed=sent.common_seed,
        trial=trial,
        contamination=_to_contamination(sent.contamination) if sent.HasField("contamination") else None,
    )
    return kinds[sent.kind], job, Params(base, rounds)


def _to_contamination(sent: Any) -> Contamination:
    return Contamination(sent.kind, json.loads(sent.options_json), Stream(sent.stream), Stream(sent.common_stream))


def _to_term(delta: Any) -> dict[str, Array | LowRank]:
    return {
        module.name: LowRank(to_array(module.low_rank.b), to_array(module.low_rank.a))
        if module.WhichOneof("change") == "low_rank"
        else to_array(module.dense)
        for module in delta.modules
    }


def run_client(kind: str, client: Client, params: Params, job: Job) -> Update:
    """Runs the client's part of the job. :raises TypeError: if the client returns something else than a result"""
    if kind == "initial":
        first = client.initial(job)
        if not isinstance(first, Mapping):
            raise TypeError(f"initial() returned {type(first).__name__}, expected arrays by module, as {{'weights': array}}")
        return Update(num_examples=1, delta=first)
    if kind == "train" and isinstance(client, Client) and client.cohort > 1:
        return train_cohort([client], [params], [job])[0]
    update = client.train(params, job) if kind == "train" else client.evaluate(params, job)
    if not isinstance(update, Update):
        raise TypeError(f"{kind}() returned {type(update).__name__}, expected an Update")
    return update


def train_cohort(clients: Sequence[Client], params: Sequence[Params], jobs: Sequence[Job]) -> Sequence[Update]:
    """Trains clients together. :raises TypeError: if they return something else than one result each"""
    updates = type(clients[0]).train_cohort(clients, params, jobs)
    got = [type(update).__name__ for update in updates]
    if got != ["Update"] * len(jobs):
        raise TypeError(f"train_cohort() returned {got[:3]}, expected {len(jobs)} Updates")
    return updates


def encode_update(job_id: int, client_id: str, update: Update, work_seconds: float = 0.0, peaks: tuple[int, int] = (0, 0)) -> bytes:
    """Encodes an update. :param peaks: as `peak_memory` :raises WireError, TypeError: if the update cannot be encoded"""
    for field, value in (("delta", update.delta), ("metrics", update.metrics)):
        if not isinstance(value, Mapping):
            raise TypeError(f"Update: {field} is {type(value).__name__}, expected a dict by name: Update(num_examples, delta, metrics)")
    message = HostMessage()
    sent = message.client_update
    sent.job_id, sent.client_id, sent.num_examples = job_id, client_id, _check_count(update.num_examples)
    sent.work_seconds = work_seconds
    sent.peak_memory, sent.peak_device_memory = peaks
    _write(sent.delta, update.delta)
    for name, number in update.metrics.items():
        sent.metrics.add(name=str(name), value=_to_number(name, number))
    data: bytes = message.SerializeToString()
    return data


def _check_count(count: Any) -> int:
    expected = "expected an integer in 0 … 2³²-1"
    try:
        whole = int(count)
        if whole == count and 0 <= whole < 2**32:
            return whole
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            f"Update: num_examples is {type(count).__name__}, {expected}: Update(num_examples, delta, metrics)"
        ) from None
    raise WireError("MALFORMED", f"num_examples: {expected}, got {count!r}")


def _to_number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"metric {name!r}: expected a number, got {type(value).__name__} {repr(value)[:80]}") from None


def _write(sent: Any, delta: Delta) -> None:
    sent.SetInParent()
    for name, change in delta.items():
        module = sent.modules.add(name=str(name))
        if isinstance(change, tuple):
            if len(change) != 2:
                raise TypeError(f"module {name!r}: got a tuple of {len(change)}, expected an array, or LowRank(b, a)")
            b, a = (to_sent(name, factor) for factor in change)
            if multiplied_shape(b.shape, a.shape) is None:
                got = f"b of {format_shape(b.shape)} and a of {format_shape(a.shape)}"
                raise WireError("WRONG_SHAPE", f"module {name!r}: LowRank has {got}, which do not multiply: expected p×r and r×q")
            _write_tensor(module.low_rank.b, b)
            _write_tensor(module.low_rank.a, a)
        else:
            _write_tensor(module.dense, np.asarray(change.codes, "<u2", order="C") if isinstance(change, Bfloat16) else to_sent(name, change))


def to_sent(module: str, value: Any) -> Array:
    """Returns the numbers as they are sent: float16 stays, everything else is as of `to_floats`."""
    return np.asarray(value, "<f2", order="C") if getattr(value, "dtype", None) == np.float16 else to_floats(module, value)


def to_floats(module: str, value: Any) -> Array:
    """Returns the numbers as a contiguous little-endian array of float32, or of float64 if they need it.
    :param module: for the message of an error :raises TypeError: if the value is no array of numbers"""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"module {module!r}: expected an array of numbers, got {type(value).__name__} of {array.dtype}")
    # Everything narrower than float64 fits a float32, except large integers.
    is_double = array.dtype.itemsize > 4 or array.dtype.kind in "iu"
    # ascontiguousarray would turn a scalar into a vector.
    return np.asarray(array, "<f8" if is_double else "<f4", order="C")


def _write_tensor(tensor: Any, array: Array) -> None:
    tensor.shape.extend(array.shape)
    tensor.dtype = _codes[array.dtype.str]
    tensor.data = array.tobytes()
