"""The evaluator process: asks user code about one trigger at a time, on the server's word."""

from __future__ import annotations

from pathlib import Path

from tidewheel.runtime.clock import now_s
from tidewheel.runtime.connection import connect
from tidewheel.runtime.instance import Instance
from tidewheel.runtime.protocol import (
    AskConditions,
    ConditionsAnswered,
    Evaluate,
    Evaluated,
    Prepare,
    Prepared,
    Shutdown,
)
from tidewheel.runtime.remote import Channel, RemoteLedger
from tidewheel.worker.code import LoadedCode
from tidewheel.worker.condition_answers import answer_conditions
from tidewheel.worker.evaluation import evaluate_trigger
from tidewheel.worker.launch_preparation import prepare_launch


def run_evaluator(
    code: LoadedCode, *, socket_path: str, location: str, generation: int, home: str | None = None
) -> int:
    """Serve evaluations until the server says or its connection ends; an evaluator keeps nothing worth saving."""
    instance = Instance(RemoteLedger(Channel(socket_path)), home=Path(home) if home else None)  # type: ignore[arg-type]
    connection = connect(socket_path, "evaluator", location=location, generation=generation)
    try:
        while True:
            message = connection.receive()
            if isinstance(message, Evaluate):
                result = evaluate_trigger(code.defs, message.request, instance=instance, clock=now_s)
                connection.send(Evaluated(request_id=message.request_id, result=result))
            elif isinstance(message, Prepare):
                launch = prepare_launch(code.defs, message.request, instance=instance, clock=now_s)
                connection.send(Prepared(request_id=message.request_id, launch=launch))
            elif isinstance(message, AskConditions):
                answers = answer_conditions(code.defs, message.questions, instance=instance)
                connection.send(ConditionsAnswered(request_id=message.request_id, answers=answers))
            elif isinstance(message, Shutdown):
                return 0
    except (ConnectionError, KeyboardInterrupt):
        return 0
