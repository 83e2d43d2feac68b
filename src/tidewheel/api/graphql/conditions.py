"""Shows automation conditions by their labels."""

from __future__ import annotations

import msgspec

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.logic.conditions.codec import decode
from tidewheel.logic.conditions.errors import ConditionError
from tidewheel.logic.conditions.naming import expression_of, label_or_name


def condition_answer(stored: bytes | None) -> Answer | None:
    """The ``AutomationCondition`` of a stored condition; one of another version has no label."""
    if stored is None:
        return None
    try:
        node = decode(stored)
    except ConditionError:
        return answer("AutomationCondition", label=None, expanded_label=[])
    whole = expression_of(msgspec.structs.replace(node, label=None))
    return answer("AutomationCondition", label=label_or_name(node), expanded_label=[whole])
