"""Values of a finished run: those that were kept in memory, and those that other processes have stored, loaded when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tidewheel.logic.runs.plan import OutputRef
from tidewheel.values.events import Event, EventType, OutputValue
from tidewheel.worker.contexts.direct_contexts import build_input_context
from tidewheel.worker.contexts.io_contexts import IOContexts, path_of
from tidewheel.worker.contexts.partition_access import PartitionAccess
from tidewheel.worker.environment.event_sink import NoSink
from tidewheel.worker.environment.resource_scope import ResourceScope
from tidewheel.worker.environment.run_environment import RunEnvironment

Key = tuple[str, str, str | None]


class StoredOutputs(Mapping[Key, Any]):
    """By (step key, output, mapping key). Loading uses the IO manager that stored the value, made anew."""

    def __init__(self, env: RunEnvironment, kept: Mapping[Key, Any], events: Iterable[Event]) -> None:
        self._env = env
        self._found = dict(kept)
        self._keys = dict.fromkeys(
            [
                *kept,
                *(
                    (event.step_key or "", event.payload.name, event.payload.mapping_key)
                    for event in events
                    if event.type is EventType.HANDLED_OUTPUT and isinstance(event.payload, OutputValue)
                ),
            ]
        )

    def __getitem__(self, key: Key) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        if key not in self._found:
            self._found[key] = self._load(OutputRef(step=key[0], output=key[1], mapping_key=key[2]))
        return self._found[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def _load(self, ref: OutputRef) -> Any:
        env = self._env
        path = path_of(ref.step)
        definition = env.job.graph.node_at(path).definition.output_dict[ref.output]
        asset = env.layer.outputs.get((path, ref.output))
        key = (
            env.layer.io_manager_keys.get(asset) if asset is not None else None
        ) or definition.io_manager_key
        sink, env.sink = env.sink, NoSink()  # the run has ended: nothing more is told of it
        try:
            with ResourceScope(env, {key}) as scope:
                contexts = IOContexts(env, scope, PartitionAccess(env))
                upstream = contexts.upstream(ref, lambda: None, None)
                return contexts.manager(key).load_input(build_input_context(upstream_output=upstream))
        finally:
            env.sink = sink
