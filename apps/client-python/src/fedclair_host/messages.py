"""The messages of proto/fedclair/v1 and what they must be. Needs no NumPy, because the connection of a host has its own process.

The message classes are created from a descriptor set."""

from __future__ import annotations

import json
from importlib.resources import files
from math import prod
from typing import Any, Mapping

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

Shape = tuple[int, ...]

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
kinds = {1: "train", 2: "evaluate", 3: "initial"}
_item_bytes = {1: 4, 2: 8, 3: 2, 5: 2}
_longest_name = 128
_most_dimensions = 32  # as NumPy has them


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


def check_tensor(tensor: Any) -> Shape:
    """Returns the shape of a tensor. :raises WireError: if the dtype is unknown or the size does not match"""
    size = _item_bytes.get(tensor.dtype)
    if size is None:
        raise WireError("MALFORMED", f"dtype {tensor.dtype}: expected F32 (1), F64 (2), BF16 (3) or F16 (5)")
    if len(tensor.shape) > _most_dimensions:
        raise WireError("WRONG_SHAPE", f"a tensor of {len(tensor.shape)} dimensions: expected at most {_most_dimensions}")
    shape = tuple(tensor.shape)
    if len(tensor.data) != prod(shape) * size:
        raise WireError("WRONG_SHAPE", f"{len(tensor.data)} bytes for a tensor of {format_shape(shape)}, expected {prod(shape) * size}")
    return shape


def check_params(sent: Any) -> dict[str, Shape]:
    """Returns the shapes of params by name. :raises WireError: if a name repeats or a tensor is malformed"""
    shapes = {param.name: check_tensor(param.tensor) for param in sent.params}
    if len(shapes) < len(sent.params):
        raise WireError("MALFORMED", "a param comes twice")
    return shapes


def check_job(sent: Any, bases: Mapping[int, Mapping[str, Shape]]) -> None:
    """:param bases: the shapes of the params that jobs begin with :raises WireError: if the job does not match its base"""
    if sent.kind not in kinds:
        raise WireError("MALFORMED", f"work kind {sent.kind}: expected TRAIN (1), EVALUATE (2) or INITIAL (3)")
    for field in ("client_id", "phase"):
        name = getattr(sent, field)
        if len(name) > _longest_name or not name.isprintable():
            raise WireError("MALFORMED", f"{field}: expected at most {_longest_name} printable characters")
    base = bases.get(sent.base_id)
    if base is None:
        raise WireError("MALFORMED", f"base {sent.base_id} did not come")
    for terms in sent.rounds:
        for delta in terms.terms:
            _check_term(delta, base)
    if sent.HasField("contamination"):
        _check_contamination(sent.contamination)


def _check_term(delta: Any, base: Mapping[str, Shape]) -> None:
    names: set[str] = set()
    for module in delta.modules:
        if module.name in names:
            raise WireError("MALFORMED", f"module {module.name!r} comes twice")
        names.add(module.name)
        if module.name not in base:
            raise WireError("WRONG_MODULES", f"module {module.name!r}: the job's base has none")
        got: Shape | None
        if module.WhichOneof("change") == "low_rank":
            got = multiplied_shape(check_tensor(module.low_rank.b), check_tensor(module.low_rank.a))
        elif module.WhichOneof("change") == "dense":
            got = check_tensor(module.dense)
        else:
            raise WireError("MALFORMED", f"module {module.name!r}: change is missing")
        wanted = base[module.name]
        if got != wanted:
            raise WireError("WRONG_SHAPE", f"module {module.name!r}: expected a change of {format_shape(wanted)}, got {format_shape(got)}")


def _check_contamination(sent: Any) -> None:
    try:
        options = json.loads(sent.options_json)
    except (ValueError, RecursionError) as error:
        raise WireError("MALFORMED", f"options of contamination {sent.kind!r}: {error}") from None
    if not isinstance(options, dict):
        raise WireError("MALFORMED", f"options of contamination {sent.kind!r}: expected an object")


def multiplied_shape(b: Shape, a: Shape) -> Shape | None:
    """Returns the shape of a product of two factors, or None if they cannot be multiplied."""
    return (b[0], a[1]) if len(b) == len(a) == 2 and b[1] == a[0] else None


def format_shape(shape: Shape | None) -> str:
    return "factors that do not multiply" if shape is None else "×".join(map(str, shape)) or "scalar"


def encode_failure(job_id: int, client_id: str, code: str, text: str) -> bytes:
    message = HostMessage()
    sent = message.client_failed
    sent.job_id, sent.client_id = job_id, client_id
    sent.failure.CopyFrom(failure(code, text))
    data: bytes = message.SerializeToString()
    return data
