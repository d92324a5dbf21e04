"""Converts between numpy and the messages of proto/fedclair/v1. The message classes are created from a descriptor set."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Mapping, Sequence

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from .client import Array, Client, Contamination, Delta, Job, LowRank, Params, Update
from .stream import Stream

_descriptors = descriptor_pb2.FileDescriptorSet.FromString(
    files(__package__).joinpath("protocol.binpb").read_bytes()
)
# A private pool, so that other definitions of the same names in this process cannot conflict.
_messages = message_factory.GetMessages(_descriptors.file, pool=descriptor_pool.DescriptorPool())


def _class(name: str) -> Any:
    return _messages[f"fedclair.v1.{name}"]


Frame, Reply, HostMessage = _class("Frame"), _class("Reply"), _class("HostMessage")
Messages, Replies = _class("Messages"), _class("Replies")
CoordinatorMessage, Tensor, Failure = _class("CoordinatorMessage"), _class("Tensor"), _class("Failure")

_codes = Failure.DESCRIPTOR.fields_by_name["code"].enum_type
_kinds = {1: "train", 2: "evaluate", 3: "initial"}
_dtypes: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 2: np.dtype("<f8")}
_longest_name = 128


class WireError(Exception):
    """A failure to report to the sender of a message, or to the coordinator about a client."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


def failure(code: str, message: str) -> Any:
    return Failure(code=_codes.values_by_name[code].number, message=message.encode("utf-8", "replace")[:1024].decode("utf-8", "ignore"))


def read_code(sent: Any) -> str:
    known = _codes.values_by_number.get(sent.code)
    return known.name if known else "MALFORMED"


def decode(kind: Any, data: object) -> Any:
    """Decodes a message from outside. :raises WireError: if the bytes are not a valid message"""
    if not isinstance(data, (bytes, bytearray)):
        raise WireError("MALFORMED", f"expected bytes, got {type(data).__name__}")
    try:
        message = kind.FromString(bytes(data))
    except DecodeError as error:
        raise WireError("MALFORMED", f"no {kind.DESCRIPTOR.name}: {error}") from None
    if "body" in kind.DESCRIPTOR.oneofs_by_name and message.WhichOneof("body") is None:
        raise WireError("MALFORMED", f"{kind.DESCRIPTOR.name}: no body that this version knows")
    return message


def to_array(tensor: Any) -> Array:
    """Returns a read-only view of the message's bytes. :raises WireError: if the dtype is unknown or the size does not match"""
    dtype = _dtypes.get(tensor.dtype)
    if dtype is None:
        raise WireError("MALFORMED", f"dtype {tensor.dtype}: expected F32 (1) or F64 (2)")
    shape = tuple(tensor.shape)
    wanted = int(np.prod([int(extent) for extent in shape], dtype=object)) * dtype.itemsize
    if len(tensor.data) != wanted:
        raise WireError("WRONG_SHAPE", f"{len(tensor.data)} bytes for a tensor of {_format_shape(shape)}, expected {wanted}")
    return np.frombuffer(tensor.data, dtype).reshape(shape)


def to_params(sent: Any) -> dict[str, Array]:
    """Converts params to arrays by name. :raises WireError: if a name repeats or a tensor is malformed"""
    params = {param.name: to_array(param.tensor) for param in sent.params}
    if len(params) < len(sent.params):
        raise WireError("MALFORMED", "a param comes twice")
    return params


def to_job(sent: Any, bases: Mapping[int, dict[str, Array]], trial: Mapping[str, Any]) -> tuple[str, Job, Params]:
    """Returns the kind of a job, the job and its params. :raises WireError: if the job does not match its base"""
    kind = _kinds.get(sent.kind)
    if kind is None:
        raise WireError("MALFORMED", f"work kind {sent.kind}: expected TRAIN (1), EVALUATE (2) or INITIAL (3)")
    for field in ("client_id", "phase"):
        name = getattr(sent, field)
        if len(name) > _longest_name or not name.isprintable():
            raise WireError("MALFORMED", f"{field}: expected at most {_longest_name} printable characters")
    base = bases.get(sent.base_id)
    if base is None:
        raise WireError("MALFORMED", f"base {sent.base_id} did not come")
    rounds = [[_to_term(delta, base) for delta in terms.terms] for terms in sent.rounds]
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
    return kind, job, Params(base, rounds)


def _to_contamination(sent: Any) -> Contamination:
    try:
        options = json.loads(sent.options_json)
    except ValueError as error:
        raise WireError("MALFORMED", f"options of contamination {sent.kind!r}: {error}") from None
    if not isinstance(options, dict):
        raise WireError("MALFORMED", f"options of contamination {sent.kind!r}: expected an object")
    return Contamination(sent.kind, options, Stream(sent.stream), Stream(sent.common_stream))


def _to_term(delta: Any, base: Mapping[str, Array]) -> dict[str, Array | LowRank]:
    term: dict[str, Array | LowRank] = {}
    for module in delta.modules:
        if module.name in term:
            raise WireError("MALFORMED", f"module {module.name!r} comes twice")
        if module.name not in base:
            raise WireError("WRONG_MODULES", f"module {module.name!r}: the job's base has none")
        change: Array | LowRank
        if module.WhichOneof("change") == "low_rank":
            change = LowRank(to_array(module.low_rank.b), to_array(module.low_rank.a))
        elif module.WhichOneof("change") == "dense":
            change = to_array(module.dense)
        else:
            raise WireError("MALFORMED", f"module {module.name!r}: change is missing")
        wanted, got = base[module.name].shape, _shape_of(change)
        if got != wanted:
            raise WireError("WRONG_SHAPE", f"module {module.name!r}: expected a change of {_format_shape(wanted)}, got {_format_shape(got)}")
        term[module.name] = change
    return term


def _shape_of(change: Array | LowRank) -> tuple[int, ...] | None:
    """Returns the shape of the changed matrix, or None if the factors cannot be multiplied."""
    if not isinstance(change, LowRank):
        return change.shape
    b, a = change
    return (b.shape[0], a.shape[1]) if b.ndim == a.ndim == 2 and b.shape[1] == a.shape[0] else None


def _format_shape(shape: tuple[int, ...] | None) -> str:
    return "factors that do not multiply" if shape is None else "×".join(map(str, shape)) or "scalar"


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


def encode_update(job_id: int, client_id: str, update: Update, work_seconds: float = 0.0) -> bytes:
    """Encodes an update. :raises WireError, TypeError: if the update cannot be encoded"""
    for field, value in (("delta", update.delta), ("metrics", update.metrics)):
        if not isinstance(value, Mapping):
            raise TypeError(f"Update: {field} is {type(value).__name__}, expected a dict by name: Update(num_examples, delta, metrics)")
    message = HostMessage()
    sent = message.client_update
    sent.job_id, sent.client_id, sent.num_examples = job_id, client_id, _check_count(update.num_examples)
    sent.work_seconds = work_seconds
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


def encode_failure(job_id: int, client_id: str, code: str, text: str) -> bytes:
    message = HostMessage()
    sent = message.client_failed
    sent.job_id, sent.client_id = job_id, client_id
    sent.failure.CopyFrom(failure(code, text))
    data: bytes = message.SerializeToString()
    return data


def _write(sent: Any, delta: Delta) -> None:
    sent.SetInParent()
    for name, change in delta.items():
        module = sent.modules.add(name=str(name))
        if isinstance(change, tuple):
            if len(change) != 2:
                raise TypeError(f"module {name!r}: got a tuple of {len(change)}, expected an array, or LowRank(b, a)")
            b, a = (to_floats(name, factor) for factor in change)
            if _shape_of(LowRank(b, a)) is None:
                got = f"b of {_format_shape(b.shape)} and a of {_format_shape(a.shape)}"
                raise WireError("WRONG_SHAPE", f"module {name!r}: LowRank has {got}, which do not multiply: expected p×r and r×q")
            _write_tensor(module.low_rank.b, b)
            _write_tensor(module.low_rank.a, a)
        else:
            _write_tensor(module.dense, to_floats(name, change))


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
    tensor.dtype = 2 if array.dtype.itemsize == 8 else 1
    tensor.data = array.tobytes()
