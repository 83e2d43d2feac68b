"""Keys of a definition behave as a set does, and keep their order."""

from __future__ import annotations

import tidewheel as tw
from tidewheel.definitions.assets.key_set import KeySet


def test_it_answers_as_a_set_of_the_same_keys_does() -> None:
    keys, other = KeySet(["b", "a", "c"]), {"a", "z"}
    plain = set(keys)
    assert keys == plain and plain == keys and hash(keys) == hash(KeySet(["c", "b", "a"]))
    assert keys.union(other, ["q"]) == plain.union(other, ["q"]) == keys | other | {"q"}
    assert keys.intersection(other) == plain & other == keys & other
    assert keys.difference(other) == plain - other == keys - other
    assert not keys.issubset(other) and keys.issuperset({"a"}) and KeySet(["a"]).issubset(other)
    assert list(keys) == ["b", "a", "c"] == list(keys.copy())


def test_the_keys_of_a_definition_can_be_joined() -> None:
    @tw.multi_asset(specs=[tw.AssetSpec("two"), tw.AssetSpec("one")])
    def both() -> None: ...

    assert [key.to_user_string() for key in both.keys] == ["two", "one"]
    assert both.keys.union({tw.AssetKey("three")}) == {tw.AssetKey(name) for name in ("one", "two", "three")}
