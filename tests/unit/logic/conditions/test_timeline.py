"""Timelines say what a plain dictionary of latest moments says, and one more entry costs the same at any size."""

from random import Random

import pytest

from tidewheel.logic.conditions.timeline import BLOCK, Timeline, _Node
from tidewheel.logic.partitions.definitions import MultiPartitions, StaticPartitions
from tidewheel.logic.partitions.sets import from_ordinals

STATIC = StaticPartitions(keys=tuple(str(n) for n in range(600)))
MULTI = MultiPartitions(dimensions=(("a", STATIC), ("b", STATIC)))


@pytest.mark.parametrize("spec", [STATIC, MULTI], ids=["static", "multi"])
@pytest.mark.parametrize("seed", range(3))
def test_answers_are_those_of_a_dictionary(spec, seed):
    random = Random(seed)
    timeline, known, now = Timeline(spec), {}, 1000.0
    for _ in range(120):
        now += random.choice((0.0, 0.5, 1.0))
        # moments come mostly in order; now and then an older one arrives late, and replaces a newer one
        late = random.choice((0.0, 0.0, 0.0, 0.4, 3.0, 500.0))
        entries = {
            random.randrange(600): now - late - random.choice((0.0, 0.1))
            for _ in range(random.choice((1, 1, 7)))
        }
        timeline = timeline.adding((at, ordinal) for ordinal, at in entries.items())
        known.update(entries)
        within = from_ordinals(spec, random.sample(range(600), 300)) if random.random() < 0.5 else None
        seen = timeline if within is None else timeline.limited_to(within)
        truth = known if within is None else {one: at for one, at in known.items() if one in within}
        assert seen.latest_moments() == truth
        moment = random.choice((now - 1.0, now - 20.0, 0.0, now + 1.0, random.choice(list(known.values()))))
        assert set(seen.since(moment)) == {one for one, at in truth.items() if at >= moment}
        assert seen.next_from(moment) == min((at for at in truth.values() if at >= moment), default=None)
        some = from_ordinals(spec, random.sample(range(600), 3))
        assert seen.latest(some) == max((truth[one] for one in some if one in truth), default=None)
        assert seen.latest() == max(truth.values(), default=None)


def test_an_unpartitioned_timeline_has_one_moment():
    timeline = Timeline(None)
    for at in range(2000):
        timeline = timeline.adding([(float(at), 0)])
    assert timeline.latest_moments() == {0: 1999.0}
    assert timeline.next_from(3.0) == 1999.0
    assert len(timeline.since(1999.0)) == 1 and not timeline.since(1999.5)


def test_one_more_entry_makes_a_few_new_nodes_at_every_size():
    made = []
    for size in (1_000, 30_000, 100_000):
        timeline = Timeline(MULTI).adding((float(n), n) for n in range(size))
        before = set(map(id, nodes(timeline)))
        after = timeline.adding([(size + 1.0, 5)])
        made.append(len([one for one in nodes(after) if id(one) not in before]))
        after.since(size - 0.5)
    assert max(made) <= 4
    late = timeline.adding([(99_999.5, 5)])  # not even a late one takes everything apart
    assert len([one for one in nodes(late) if id(one) not in set(map(id, nodes(timeline)))]) < 30


def nodes(timeline) -> list[_Node]:
    found, waiting = [], list(timeline._trees)
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(one.below)
    return found


def test_what_was_replaced_is_thrown_out():
    timeline = Timeline(STATIC)
    for n in range(20 * BLOCK):
        timeline = timeline.adding([(float(n), n % 10)])
    assert sum(one.size for one in timeline._trees) <= 5 * BLOCK
