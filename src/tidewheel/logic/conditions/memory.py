"""What evaluations remember of a target, and its stored form.

Memory is kept by what a node asks, not by where it stands: it outlives changes of the condition around it (C41).
Sets are stored with the definitions they belong to, and carried over by key when a definition has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union

import msgspec

from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.evidence import Stamp
from tidewheel.logic.conditions.facts import Position
from tidewheel.logic.conditions.latching import Latch
from tidewheel.logic.conditions.subjects import Key
from tidewheel.logic.partitions import codec as partition_codec
from tidewheel.logic.partitions.carry_over import carried_over
from tidewheel.logic.partitions.definitions import (
    MultiPartitions,
    PartitionsSpec,
    PartitionView,
    TimeWindowPartitions,
)
from tidewheel.logic.partitions.sets import PartitionSet, nothing

VERSION = 1


class Seen(msgspec.Struct, frozen=True):
    """Where the operand of a `newly_true` was true."""

    true: PartitionSet


class Dropped(msgspec.Struct, frozen=True):
    """What a limit has dropped for as long as it stays true."""

    true: PartitionSet


class Noted(msgspec.Struct, frozen=True):
    """A text: the code version that was seen, or the cursor of a user's condition."""

    text: Optional[str]


NodeMemory = Union[Seen, Dropped, Noted, Latch]


class TargetMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one target.

    `held`: the position of its last evaluation, where that is not the engine's (because the later ones failed).
    `nodes`: by the identity of the node and, if it was evaluated on another subject, that subject. `condition`: the
    identity of the condition that was evaluated (empty: it was not written down then).
    """

    partitions: Optional[PartitionsSpec]
    requested: PartitionSet
    nodes: Mapping[str, NodeMemory] = msgspec.field(default_factory=dict)
    held: Optional[Position] = None
    condition: str = ""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where an engine stands: the position of its last evaluation, and the memory of its targets."""

    position: Optional[Position] = None
    targets: Mapping[Key, TargetMemory] = msgspec.field(default_factory=dict)


def memory_key(identity: str, subject: Key, root: Key) -> str:
    """The name under which a node's memory is kept."""
    return identity if subject == root else f"{identity}@{subject.kind}:{subject.name}"


def is_default(memory: NodeMemory) -> bool:
    """Whether forgetting it changes nothing."""
    match memory:
        case Seen(true=true) | Dropped(true=true) | Latch(on=true):
            return not true
        case Noted():
            return False


# -- the stored form ----------------------------------------------------------------------------------------------------


class _StoredNode(msgspec.Struct, omit_defaults=True):
    kind: str
    true: bytes = b""
    text: Optional[str] = None
    layers: tuple[tuple[Stamp, bytes], ...] = ()


class _StoredMemory(msgspec.Struct, omit_defaults=True):
    requested: bytes
    partitions: str = ""
    specs: dict[str, PartitionsSpec] = {}
    nodes: dict[str, _StoredNode] = {}
    held: Optional[Position] = None
    condition: str = ""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_StoredMemory)


def encode(memory: TargetMemory) -> bytes:
    """The stored form of a target's memory."""
    specs: dict[str, PartitionsSpec] = {}

    def pack(partitions: PartitionSet) -> bytes:
        data = partition_codec.encode(partitions)
        if partitions.spec is not None:
            specs[partition_codec.stored_fingerprint(data)] = partitions.spec
        return data

    requested = pack(memory.requested)
    nodes = {name: _stored(node, pack) for name, node in memory.nodes.items()}
    stored = _StoredMemory(
        requested=requested,
        partitions=partition_codec.fingerprint(memory.partitions),
        specs=specs,
        nodes=nodes,
        held=memory.held,
        condition=memory.condition,
    )
    return bytes([VERSION]) + _encoder.encode(stored)


def decode(data: bytes) -> TargetMemory:
    """The memory of a stored form, its sets as they were stored; raises ConditionError for damage."""
    if not data or data[0] != VERSION:
        raise ConditionError(
            f"stored memory: expected version {VERSION}, got {data[:1].hex() or 'nothing'!r}; "
            "reset the condition's memory"
        )
    try:
        stored = _decoder.decode(data[1:])
    except (msgspec.DecodeError, msgspec.ValidationError) as reason:
        raise ConditionError(
            f"stored memory: expected a target's memory, got {len(data)} bytes that are not ({reason}); "
            "reset the condition's memory"
        ) from reason

    def unpack(part: bytes) -> PartitionSet:
        return partition_codec.decode(part, stored.specs.get(partition_codec.stored_fingerprint(part)))

    return TargetMemory(
        partitions=stored.specs.get(stored.partitions),
        requested=unpack(stored.requested),
        nodes={name: _restored(node, unpack) for name, node in stored.nodes.items()},
        held=stored.held,
        condition=stored.condition,
    )


def _stored(memory: NodeMemory, pack: Any) -> _StoredNode:
    match memory:
        case Seen(true=true):
            return _StoredNode(kind="seen", true=pack(true))
        case Dropped(true=true):
            return _StoredNode(kind="dropped", true=pack(true))
        case Noted(text=text):
            return _StoredNode(kind="noted", text=text)
        case Latch(on=on, layers=layers):
            packed = tuple((stamp, pack(covered)) for stamp, covered in layers)
            return _StoredNode(kind="latch", true=pack(on), layers=packed)


def _restored(stored: _StoredNode, unpack: Any) -> NodeMemory:
    match stored.kind:
        case "seen":
            return Seen(unpack(stored.true))
        case "dropped":
            return Dropped(unpack(stored.true))
        case "noted":
            return Noted(stored.text)
        case _:
            layers = tuple((stamp, unpack(covered)) for stamp, covered in stored.layers)
            return Latch(unpack(stored.true), layers)


def fitted(partitions: PartitionSet, spec: PartitionsSpec | None, view: PartitionView) -> PartitionSet:
    """A remembered set as one of the present definition: the same keys, or nothing if that cannot be."""
    if partitions.spec == spec:
        return partitions
    if partitions.spec is None or spec is None:
        return nothing(spec)
    return carried_over(partitions, spec, view)


def fitted_node(memory: NodeMemory, spec: PartitionsSpec | None, view: PartitionView) -> NodeMemory:
    """A node's memory with its sets fitted."""
    match memory:
        case Seen(true=true):
            return Seen(fitted(true, spec, view))
        case Dropped(true=true):
            return Dropped(fitted(true, spec, view))
        case Latch(on=on, layers=layers):
            moved = tuple((stamp, fitted(covered, spec, view)) for stamp, covered in layers)
            return Latch(fitted(on, spec, view), tuple(one for one in moved if one[1]))
        case Noted():
            return memory


def starts_anew(memory: TargetMemory | None, spec: PartitionsSpec | None) -> bool:
    """Whether a target is evaluated as if for the first time: new, or its partitions are other ones (C13).

    Other ones: partitioned where it was not, or the reverse; or with time windows that are cut otherwise. Keys that
    were added to or removed from static or dynamic partitions do not count.
    """
    if memory is None:
        return True
    if memory.partitions == spec:
        return False
    old, new = _time_identity(memory.partitions), _time_identity(spec)
    return old != new


def _time_identity(spec: PartitionsSpec | None) -> tuple[str, ...]:
    """What may not change without starting anew: being partitioned, and the cut of the time windows."""
    if spec is None:
        return ("unpartitioned",)
    if isinstance(spec, TimeWindowPartitions):
        return ("time", partition_codec.fingerprint(spec))
    if isinstance(spec, MultiPartitions):
        return ("multi", *(part for _, one in spec.dimensions for part in _time_identity(one)))
    return ("keys",)
