"""What a backfill says of partitions that it leaves out."""

import pytest

from tidewheel.logic.partitions.definitions import DynamicKeys, DynamicPartitions, PartitionView
from tidewheel.logic.partitions.sets import everything
from tidewheel.logic.planning.backfill_step import LeftOut
from tidewheel.services.backfills.duty import left_out_sentence

FILES = DynamicPartitions(name="files")


@pytest.mark.parametrize(
    ("left", "which"),
    [
        (("f", "g"), "f and 1 more"),
        (("g",), "a removed partition and 1 more"),
        ((), "a removed partition and 1 more"),
    ],
)
def test_partitions_that_were_removed_meanwhile_have_no_name(left: tuple[str, ...], which: str) -> None:
    keys = DynamicKeys().adding(["f", "g"])
    both = everything(FILES, PartitionView(now=0.0, dynamic_keys={"files": keys}))
    now = PartitionView(now=0.0, dynamic_keys={"files": keys.removing(set("fg") - set(left))})
    one = LeftOut(target="uploads", partitions=both, reason="it does not exist")
    assert left_out_sentence(one, now) == f"uploads {which} is left out: it does not exist"
