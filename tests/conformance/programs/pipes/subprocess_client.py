import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    Definitions,
    MaterializeResult,
    OpExecutionContext,
    PipesSubprocessClient,
    asset,
    file_relative_path,
    job,
    materialize,
    op,
)

SCRIPT = Path(tempfile.mkdtemp(), "script.py")
SCRIPT.write_text(
    textwrap.dedent(
        """
        from dagster_pipes import open_dagster_pipes

        with open_dagster_pipes() as context:
            context.log.info("from outside")
            wanted = context.get_extra("wanted")
            context.report_asset_materialization(metadata={"wanted": wanted, "raw": {"type": "md", "raw_value": "*x*"}}, data_version="d1")
            context.report_asset_check("sound", passed=True, metadata={"n": 1})
            context.report_custom_message({"answer": 42})
        """
    )
)


@asset(check_specs=[AssetCheckSpec("sound", asset="outside")])
def outside(context: AssetExecutionContext, pipes: PipesSubprocessClient):
    return pipes.run(
        command=[sys.executable, str(SCRIPT)], context=context, extras={"wanted": 3}
    ).get_results()


@asset
def custom(context: AssetExecutionContext, pipes: PipesSubprocessClient) -> MaterializeResult:
    invocation = pipes.run(command=[sys.executable, str(SCRIPT)], context=context, extras={"wanted": 4})
    return MaterializeResult(metadata={"messages": len(list(invocation.get_custom_messages()))})


@asset
def fails_outside(context: AssetExecutionContext, pipes: PipesSubprocessClient):
    return pipes.run(
        command=[sys.executable, "-c", "raise SystemExit(3)"], context=context
    ).get_materialize_result()


defs = Definitions(assets=[outside, fails_outside], resources={"pipes": PipesSubprocessClient()})


def test_outside():
    result = materialize([outside], resources={"pipes": PipesSubprocessClient()})
    (made,) = result.asset_materializations_for_node("outside")
    assert made.metadata["wanted"].value == 3
    assert made.metadata["raw"].value == "*x*"
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]
