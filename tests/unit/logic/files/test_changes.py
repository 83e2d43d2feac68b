"""What is reported of files: whole, once, in order."""

from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.files.changes import compare
from tidewheel.logic.graph.specs import FileSource
from tidewheel.values.inbox import FileStat

NOW = 1_700_000_000.0
SOURCE = FileSource(patterns=("/x",), stable_s=2.0)


def stat(path, size=1, at=NOW, version="1"):
    return FileStat(path=path, size=size, modified_at=at, version=version)


def by_path(*stats):
    return {one.path: one for one in stats}


def said(comparison):
    return [(one.change, one.path) for one in comparison.changes]


def test_a_file_that_grows_is_reported_once_it_is_still():
    first = compare(SOURCE, {}, [stat("a", 1)], {}, now=NOW)
    assert (said(first), first.wake_at) == ([], NOW + 2)
    grown = compare(SOURCE, {}, [stat("a", 2)], first.unsettled, now=NOW + 1.9)
    assert (said(grown), grown.wake_at) == ([], NOW + 3.9)
    still = compare(SOURCE, {}, [stat("a", 2)], grown.unsettled, now=NOW + 3.9)
    assert said(still) == [("added", "a")]
    assert (still.present, still.unsettled) == ((stat("a", 2),), {})


def test_what_was_written_long_ago_need_not_be_watched():
    assert said(compare(SOURCE, {}, [stat("a", at=NOW - 60)], {}, now=NOW)) == [("added", "a")]


def test_changed_and_vanished_files():
    reported = by_path(stat("a"), stat("b"), stat("c"))
    listed = [stat("a"), stat("b", 5, at=NOW - 60)]
    found = compare(SOURCE, reported, listed, {}, now=NOW)
    assert said(found) == [("deleted", "c"), ("modified", "b")]
    assert (found.gone, [one.path for one in found.present]) == (("c",), ["b"])


def test_a_file_that_was_replaced_by_one_of_the_same_size_and_time_is_a_change():
    found = compare(
        SOURCE, by_path(stat("a", at=NOW - 60)), [stat("a", at=NOW - 60, version="2")], {}, now=NOW
    )
    assert said(found) == [("modified", "a")]


def test_files_come_in_the_order_in_which_they_were_written():
    listed = [stat("a", at=NOW - 10), stat("b", at=NOW - 30), stat("c", at=NOW - 20)]
    assert said(compare(SOURCE, {}, listed, {}, now=NOW)) == [("added", "b"), ("added", "c"), ("added", "a")]


def test_only_wanted_changes_are_reported_and_all_are_remembered():
    source = FileSource(patterns=("/x",), changes=("deleted",))
    found = compare(source, by_path(stat("a")), [stat("b", at=NOW - 60)], {}, now=NOW)
    assert said(found) == [("deleted", "a")]
    assert [one.path for one in found.present] == ["b"]


def test_what_is_there_at_first_can_be_left_out():
    source = FileSource(patterns=("/x",), reports_existing=False)
    found = compare(source, {}, [stat("a")], {}, now=NOW, is_first=True)
    assert (said(found), found.present) == ([], (stat("a"),))
    assert said(compare(SOURCE, {}, [stat("a", at=NOW - 60)], {}, now=NOW, is_first=True)) == [("added", "a")]


files = st.dictionaries(
    st.sampled_from("abcdef"), st.builds(lambda size, at: (size, at), st.integers(0, 3), st.integers(0, 3))
)


@given(st.lists(files, max_size=6))
def test_whatever_happens_the_stored_listing_ends_as_the_files_are(rounds):
    reported, unsettled, now, seen = {}, {}, NOW, set()
    for listing in [*rounds, rounds[-1] if rounds else {}, rounds[-1] if rounds else {}]:
        listed = [stat(path, size, NOW + at) for path, (size, at) in listing.items()]
        now += 2.0
        found = compare(SOURCE, reported, listed, unsettled, now=now)
        unsettled = found.unsettled
        for change in found.changes:
            assert (change.path in seen) == (change.change != "added")
            (seen.discard if change.change == "deleted" else seen.add)(change.path)
        reported = {path: one for path, one in reported.items() if path not in found.gone} | by_path(
            *found.present
        )
    last = rounds[-1] if rounds else {}
    assert {path: (one.size, one.modified_at - NOW) for path, one in reported.items()} == last
