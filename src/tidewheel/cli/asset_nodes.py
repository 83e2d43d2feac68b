"""Reads the assets and checks of a home as its last good code defined them."""

from __future__ import annotations

from tidewheel.cli.home import OpenHome
from tidewheel.logic.graph.specs import AssetNode, CheckNode, LocationSnapshot
from tidewheel.values.serde import decode


def load_nodes(opened: OpenHome) -> dict[str, tuple[AssetNode, list[CheckNode]]]:
    """By key, every asset with its checks, as the last good code defined them."""
    found: dict[str, tuple[AssetNode, list[CheckNode]]] = {}
    for data in opened.control.get_snapshots().values():
        snapshot = decode(data, LocationSnapshot)
        for node in snapshot.assets:
            checks = [check for check in snapshot.checks if check.asset == node.key]
            if node.key not in found or node.kind != "external":
                found[node.key] = (node, checks)
    return found
