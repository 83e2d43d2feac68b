"""The order in which ``tidewheel why`` says things."""

from tidewheel.cli.why import describe
from tidewheel.logic.conditions.explain import Explanation, TargetExplanation
from tidewheel.logic.conditions.subjects import Key
from tidewheel.runtime.conditions.condition_views import StandingView, WhyAnswer


def test_the_answer_comes_first_and_the_tree_last():
    key = Key("asset", "report")
    leaf = Explanation(name="newly_updated", subject=key, is_true=False, true_count=0, asked_count=1)
    tree = Explanation(
        name="eager", subject=key, is_true=False, true_count=0, asked_count=1, children=(leaf, leaf)
    )
    answer = WhyAnswer(
        target="report",
        kind="asset",
        at=1.0,
        condition="AutomationCondition.eager()",
        standing=StandingView(state="missing"),
        now=TargetExplanation(
            target=key, at=1.0, is_requested=False, tree=tree, waits_for=("orders to be updated",)
        ),
    )
    lines = list(describe(answer))
    assert lines[:4] == [
        "asset report: AutomationCondition.eager()",
        "now: it asks for nothing",
        "waits for orders to be updated",
        "never made",
    ]
    assert lines[-4] == "its condition now:" and "newly_updated" in lines[-1]
