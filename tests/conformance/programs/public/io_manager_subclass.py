import os
import pandas as pd
from dagster import (
    AssetKey,
    ConfigurableIOManager,
    InputContext,
    IOManager,
    OutputContext,
    asset,
    io_manager,
    Definitions,
    materialize,
    op,
    job,
    Out,
    build_input_context,
    build_output_context,
    ConfigurableIOManagerFactory,
    AssetIn,
)
import tempfile


class CsvIOManager(ConfigurableIOManager):
    base: str
    sep: str = ","

    def _path(self, context) -> str:
        return os.path.join(self.base, *context.asset_key.path) + ".csv"

    def handle_output(self, context: OutputContext, obj: pd.DataFrame) -> None:
        path = self._path(context)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        obj.to_csv(path, index=False, sep=self.sep)
        context.add_output_metadata({"rows": len(obj), "cols": list(obj.columns)})

    def load_input(self, context: InputContext) -> pd.DataFrame:
        assert context.upstream_output is not None
        return pd.read_csv(self._path(context), sep=self.sep)


class DictIOManager(IOManager):
    def __init__(self):
        self.store = {}

    def handle_output(self, context, obj):
        self.store[
            tuple(context.get_identifier()[1:]) if not context.has_asset_key else context.asset_key.path[-1]
        ] = obj
        yield from ()

    def load_input(self, context):
        up = context.upstream_output
        return self.store[tuple(up.get_identifier()[1:])]


@io_manager(config_schema={"x": int})
def dict_io(init_context):
    return DictIOManager()


@asset(key_prefix="raw", io_manager_key="csv")
def people() -> pd.DataFrame:
    return pd.DataFrame({"n": ["a", "b"], "age": [1, 2]})


@asset(io_manager_key="csv", ins={"people": AssetIn(key_prefix="raw")}, key_prefix=["clean", "v1"])
def adults(people: pd.DataFrame) -> pd.DataFrame:
    return people[people.age > 1]


@op(out=Out(io_manager_key="mem"))
def one():
    return 1


@op(out=Out(io_manager_key="mem", metadata={"t": "x"}))
def add(a):
    return a + 1


@job(resource_defs={"mem": dict_io.configured({"x": 1})})
def add_job():
    add(add(one()))


defs = Definitions(
    assets=[people, adults], jobs=[add_job], resources={"csv": CsvIOManager(base=tempfile.mkdtemp())}
)


def test_csv(tmp_path):
    m = CsvIOManager(base=str(tmp_path), sep=";")
    r = materialize([people, adults], resources={"csv": m})
    assert r.success
    assert (tmp_path / "clean" / "v1" / "adults.csv").read_text().splitlines() == ["n;age", "b;2"]


def test_contexts(tmp_path):
    m = CsvIOManager(base=str(tmp_path))
    out = build_output_context(asset_key=AssetKey(["raw", "t"]))
    m.handle_output(out, pd.DataFrame({"q": [1]}))
    df = m.load_input(build_input_context(asset_key=AssetKey(["raw", "t"]), upstream_output=out))
    assert df.q.tolist() == [1]
    assert (
        out.get_logged_metadata()["rows"].value == 1
        if hasattr(out.get_logged_metadata()["rows"], "value")
        else out.get_logged_metadata()["rows"] == 1
    )
