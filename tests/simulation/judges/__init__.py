"""What must hold of each part of the control plane, each part judged by a class of its own."""

from tests.simulation.judges.backfills import BackfillJudge
from tests.simulation.judges.inbox import InboxJudge
from tests.simulation.judges.judge import Judge
from tests.simulation.judges.launches import LaunchJudge
from tests.simulation.judges.policies import PolicyJudge
from tests.simulation.judges.pools import PoolJudge

JUDGES: tuple[type[Judge], ...] = (BackfillJudge, InboxJudge, LaunchJudge, PolicyJudge, PoolJudge)

__all__ = ["JUDGES", "Judge"]
