"""Which steps of a run wait for no other step of it, and the pools that those need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidewheel.logic.graph.specs import AssetNode, OpNode


def root_pools_of_ops(ops: Sequence[OpNode], steps: Sequence[str] | None = None) -> list[str | None]:
    """The pool (or None) of each op that waits for no other one; ``steps``: those that are run at all."""
    taken = {op.name for op in ops if steps is None or op.name in steps}
    return [op.pool for op in ops if op.name in taken and not taken.intersection(op.depends_on)]


def root_pools_of_assets(nodes: Iterable[AssetNode]) -> list[str | None]:
    """The same of the steps that make these assets."""
    made = [node for node in nodes if node.step is not None]
    step_of = {node.key: node.step for node in made}
    waiting = {
        node.step for node in made for dep in node.deps if step_of.get(dep.asset, node.step) != node.step
    }
    pools = {node.step: node.pool for node in made if node.step is not None}
    return [pool for step, pool in sorted(pools.items()) if step not in waiting]
