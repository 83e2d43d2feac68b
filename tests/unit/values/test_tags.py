"""Tags are texts: what else is given becomes JSON."""

from __future__ import annotations

from tidewheel.values.tags import normalize_tags


def test_equal_values_become_equal_texts() -> None:
    one = normalize_tags({"k8s": {"limits": {"memory": "1Gi", "cpu": 1}, "image": "a"}})
    other = normalize_tags({"k8s": {"image": "a", "limits": {"cpu": 1, "memory": "1Gi"}}})
    assert one == other == {"k8s": '{"image": "a", "limits": {"cpu": 1, "memory": "1Gi"}}'}
    assert normalize_tags({"a": "text", "b": [2, 1]}) == {"a": "text", "b": "[2, 1]"}
