"""Which events a sensor is handed next, and what becomes of those that fail."""

from tidewheel.logic.planning.event_delivery import (
    RETRY_DELAYS_S,
    Handed,
    HandoverFacts,
    choose_handover,
    retried,
    settle_handover,
)
from tidewheel.values.error_info import ErrorInfo
from tidewheel.values.evaluation import EvaluationResult
from tidewheel.values.inbox import Redelivery

NOW = 1_700_000_000.0
BAD = ErrorInfo(cls_name="ValueError", message="bad")


def again(event_id, retry_at=NOW, attempts=1):
    return Redelivery(
        trigger_id="t", event_id=event_id, attempts=attempts, retry_at=retry_at, failed_at=NOW - 1
    )


def test_an_event_is_retried_with_growing_delays_and_then_set_aside():
    one, moments = Redelivery(trigger_id="t", event_id=5), []
    for _ in range(len(RETRY_DELAYS_S) + 1):
        one = retried(one, BAD, NOW)
        moments.append(None if one.retry_at is None else one.retry_at - NOW)
    assert moments == [*RETRY_DELAYS_S, None]
    assert sorted(RETRY_DELAYS_S) == list(RETRY_DELAYS_S)
    assert (one.is_set_aside, one.attempts, one.error) == (True, 6, BAD)


def test_events_that_failed_come_again_alone_and_the_others_are_behind():
    result = EvaluationResult(position=9, failed_events=((7, BAD),))
    settled = settle_handover("t", Handed(ids=(5, 7, 9)), result, NOW)
    assert settled.result.position == 9
    assert [(one.event_id, one.attempts, one.retry_at) for one in settled.redeliveries] == [(7, 1, NOW + 1)]
    assert settled.settled == ()


def test_a_batch_that_fails_as_a_whole_is_split_and_a_single_event_is_the_one_that_failed():
    failed = EvaluationResult(error=BAD)
    assert settle_handover("t", Handed(ids=(5, 7)), failed, NOW).split
    single = settle_handover("t", Handed(ids=(5,)), failed, NOW)
    assert (single.split, single.result.error, single.result.position) == (False, None, 5)
    assert [one.event_id for one in single.redeliveries] == [5]


def test_a_round_whose_time_was_up_moves_only_as_far_as_it_came():
    settled = settle_handover("t", Handed(ids=(5, 7, 9)), EvaluationResult(position=7), NOW)
    assert settled.result.position == 7


def test_a_retry_that_succeeds_is_settled_and_moves_nothing():
    settled = settle_handover("t", Handed(ids=(3,), again=again(3)), EvaluationResult(position=3), NOW)
    assert (settled.settled, settled.redeliveries, settled.result.position) == ((3,), (), None)


def test_a_retry_that_fails_counts_further_also_when_it_fails_as_a_whole():
    for result in (EvaluationResult(error=BAD), EvaluationResult(failed_events=((3, BAD),), position=3)):
        settled = settle_handover("t", Handed(ids=(3,), again=again(3, attempts=2)), result, NOW)
        [one] = settled.redeliveries
        assert (one.attempts, one.retry_at, settled.settled, settled.result.error) == (3, NOW + 30, (), None)


def test_where_order_matters_nothing_passes_an_event_that_fails():
    handed = Handed(ids=(5, 7, 9), keeps_order=True)
    middle = settle_handover("t", handed, EvaluationResult(position=7, failed_events=((7, BAD),)), NOW)
    assert middle.result.position == 5
    first = settle_handover("t", handed, EvaluationResult(position=5, failed_events=((5, BAD),)), NOW)
    assert first.result.position is None


def test_where_order_matters_an_event_is_passed_once_it_is_set_aside():
    handed = Handed(ids=(5, 7), keeps_order=True, earlier=(again(5, attempts=5),))
    settled = settle_handover("t", handed, EvaluationResult(failed_events=((5, BAD),)), NOW)
    assert settled.redeliveries[0].is_set_aside
    assert settled.result.position == 5


def test_where_order_matters_an_event_that_succeeds_later_is_settled():
    handed = Handed(ids=(5, 7), keeps_order=True, earlier=(again(5),))
    settled = settle_handover("t", handed, EvaluationResult(position=7), NOW)
    assert (settled.settled, settled.result.position) == ((5,), 7)


def test_the_earliest_due_event_comes_first_and_later_ones_say_when():
    facts = HandoverFacts(
        now=NOW,
        position=9,
        redeliveries=[again(3, NOW - 1), again(4, NOW - 2), again(5, NOW + 8), again(6, None)],
    )
    choice = choose_handover(facts)
    assert (choice.again.event_id, choice.takes_new, choice.wake_at) == (4, True, NOW + 8)


def test_an_event_that_waits_holds_up_only_sensors_that_keep_their_order():
    waiting = [again(12, NOW + 8)]
    ordered = choose_handover(HandoverFacts(now=NOW, position=9, redeliveries=waiting, keeps_order=True))
    assert (ordered.again, ordered.takes_new, ordered.wake_at) == (None, False, NOW + 8)
    due = choose_handover(HandoverFacts(now=NOW + 8, position=9, redeliveries=waiting, keeps_order=True))
    assert (due.again, due.takes_new) == (None, True)
    other = choose_handover(HandoverFacts(now=NOW, position=9, redeliveries=waiting))
    assert other.takes_new


def test_what_is_set_aside_is_left_alone():
    choice = choose_handover(HandoverFacts(now=NOW, position=9, redeliveries=[again(3, None)]))
    assert (choice.again, choice.wake_at) == (None, None)


def test_a_failure_in_a_time_to_come_is_not_waited_for():
    # its clock was an hour ahead of the one that was set back since
    one = retried(Redelivery(trigger_id="t", event_id=5), BAD, NOW + 3_600)
    for keeps_order in (False, True):
        choice = choose_handover(
            HandoverFacts(
                now=NOW, position=5 if not keeps_order else 4, redeliveries=[one], keeps_order=keeps_order
            )
        )
        assert choice.wake_at is None
        assert choice.takes_new
        assert (choice.again == one) is not keeps_order
