"""Steps in processes: short ones share a process, one that dies costs its own step only, values reach those who need them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tidewheel as tw
from tidewheel.worker.steps import step_child
from tidewheel.worker.steps.step_processes import why_not_fork

EXECUTOR = tw.multiprocess_executor.configured({"max_concurrent": 2})


def in_a_program_of_its_own(body: Callable[[tw.Instance], None]) -> Callable[[], None]:
    """Run a test as a program: where other tests have left threads, steps cannot have processes."""

    def test() -> None:
        code = f"from {body.__module__} import {body.__name__} as test; test.alone()"
        root = Path(__file__).parents[2]
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=250, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]

    def alone() -> None:
        assert why_not_fork() is None
        step_child.REUSED_FOR_S = 60.0  # however slow the machine is now, steps count as short
        with tw.instance_for_test() as instance:
            body(instance)

    test.__name__, test.__doc__, test.alone = body.__name__, body.__doc__, alone  # type: ignore[attr-defined]
    return test


def numbered(name: str, body: Any) -> Any:
    @tw.op(name=name)
    def made() -> Any:
        return body()

    return made


def job_of(*ops: Any) -> Any:
    @tw.job(name="many", executor_def=EXECUTOR)
    def many() -> None:
        for one in ops:
            one()

    return many


@in_a_program_of_its_own
def test_short_steps_share_processes(instance: tw.Instance) -> None:
    result = tw.execute_job(job_of(*(numbered(f"o{n}", os.getpid) for n in range(12))), instance)
    assert result.success
    with result:
        pids = [result.output_for_node(f"o{n}") for n in range(12)]
    assert os.getpid() not in pids
    assert len(set(pids)) <= 2


@in_a_program_of_its_own
def test_a_long_step_is_the_last_of_its_process(
    instance: tw.Instance,
) -> None:
    step_child.REUSED_FOR_S = 0.0
    result = tw.execute_job(job_of(*(numbered(f"o{n}", os.getpid) for n in range(6))), instance)
    with result:
        assert len({result.output_for_node(f"o{n}") for n in range(6)}) == 6


@in_a_program_of_its_own
def test_a_step_that_leaves_a_thread_is_the_last_of_its_process(instance: tw.Instance) -> None:
    def leave_a_thread() -> int:
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
        return os.getpid()

    result = tw.execute_job(job_of(*(numbered(f"o{n}", leave_a_thread) for n in range(6))), instance)
    assert result.success
    with result:
        assert len({result.output_for_node(f"o{n}") for n in range(6)}) == 6


@in_a_program_of_its_own
def test_a_step_that_dies_in_a_shared_process_costs_only_itself(instance: tw.Instance) -> None:
    ops = [numbered(f"o{n}", os.getpid) for n in range(10)]
    ops.insert(5, numbered("dies", lambda: os._exit(3)))
    result = tw.execute_job(job_of(*ops), instance, raise_on_error=False)
    assert not result.success
    assert result.get_failed_step_keys() == {"dies"}
    [failure] = result.get_step_failure_events()
    assert "exit code 3" in failure.step_failure_data.error.message
    assert len(result.get_step_success_events()) == 10


@in_a_program_of_its_own
def test_a_step_that_dies_alone_costs_not_the_program_that_executes_it(instance: tw.Instance) -> None:
    for limit in (1, 2):

        @tw.job(executor_def=tw.multiprocess_executor.configured({"max_concurrent": limit}))
        def alone() -> None:
            numbered("dies", lambda: os._exit(3))()

        result = tw.execute_job(alone, instance, raise_on_error=False)
        assert result.get_failed_step_keys() == {"dies"}


@in_a_program_of_its_own
def test_values_reach_the_steps_that_need_them(instance: tw.Instance) -> None:
    @tw.op
    def source() -> int:
        return 1

    @tw.op
    def add(x: int) -> int:
        return x + 1

    @tw.op
    def total(values: list[int]) -> int:
        return sum(values)

    @tw.op(out=tw.DynamicOut())
    def several() -> Iterator[Any]:
        for n in range(5):
            yield tw.DynamicOutput(n, mapping_key=str(n))

    @tw.job(executor_def=EXECUTOR)
    def wide() -> None:
        ends = [add.alias(f"b{n}")(add.alias(f"a{n}")(source.alias(f"s{n}")())) for n in range(6)]
        total(ends)
        total.alias("of_mapped")(several().map(add).collect())

    result = tw.execute_job(wide, instance)
    assert result.success
    with result:
        assert result.output_for_node("total") == 18
        assert result.output_for_node("of_mapped") == 15
