from typing import Dict, List, Optional

import pytest
from dagster import DagsterTypeCheckDidNotPass, Definitions, asset, materialize


@asset
def says_int() -> int:
    return "not an int"


@asset
def says_list() -> List[int]:
    return [1, "two"]


@asset
def gives_text():
    return "text"


@asset
def wants_int(gives_text: int):
    return gives_text


@asset
def none_for_int() -> int:
    return None


defs = Definitions(assets=[says_int, says_list, gives_text, wants_int, none_for_int])


def test_mismatches():
    for broken in ([says_int], [says_list], [gives_text, wants_int], [none_for_int]):
        with pytest.raises(DagsterTypeCheckDidNotPass):
            materialize(broken)
