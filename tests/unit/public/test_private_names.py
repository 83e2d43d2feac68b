"""Names of Dagster's private modules: those in the table can be had and work, others say that they are not there."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import Enum

import pytest

from tidewheel.dagster import UnsupportedNameError, WholePackageFinder
from tidewheel.dagster.argument_checks import (
    class_param,
    dict_elem,
    int_param,
    is_list,
    not_none,
    opt_list_elem,
    opt_nullable_dict_param,
    opt_str_elem,
    opt_str_param,
    sequence_param,
)
from tidewheel.dagster.private_names import PRIVATE_NAMES
from tidewheel.dagster.private_types import TimestampWithTimezone
from tidewheel.dagster.records import (
    IHaveNew,
    as_dict,
    record,
    record_custom,
    replace,
    whitelist_for_serdes,
)
from tidewheel.dagster.small_functions import (
    backoff,
    build_kind_tag,
    cached_method,
    clean_name,
    clean_name_lower,
    deep_merge_dicts,
    dict_without_keys,
    get_time_partitions_def,
    has_kind,
    imap,
    is_valid_owner,
    non_secure_md5_hash_str,
    normalize_renamed_param,
    parse_env_var,
    scoped_definitions_load_context,
    toposort_flatten,
    user_code_error_boundary,
)
from tidewheel.dagster.test_functions import (
    assert_namedtuple_lists_equal,
    create_op_with_deps,
    create_run_for_test,
    create_stub_op,
    environ,
    ignore_warning,
    raise_exception_on_warnings,
    step_did_not_run,
    step_output_event_filter,
    step_succeeded,
    wrap_op_in_graph_and_execute,
)
from tidewheel.dagster.time_functions import create_datetime, freeze_time, get_current_datetime
from tidewheel.definitions.loading.serialization import deserialize_value, serialize_value
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.ops.hooks import require_parameters
from tidewheel.definitions.partitions.definition import StaticPartitionsDefinition
from tidewheel.definitions.partitions.multi_partitions import MultiPartitionsDefinition
from tidewheel.definitions.partitions.time_partitions import DailyPartitionsDefinition
from tidewheel.errors import (
    CheckError,
    ElementCheckError,
    InvalidDefinitionError,
    ParameterCheckError,
    UserCodeExecutionError,
)
from tidewheel.runtime.clock import now_s
from tidewheel.runtime.instance.facade import Instance
from tidewheel.values.status import RunStatus


@pytest.mark.parametrize("name", sorted(PRIVATE_NAMES))
def test_every_private_name_can_be_had(name: str) -> None:
    module = importlib.import_module("tidewheel.dagster._core.anything")
    assert getattr(module, name) is not None


def test_unknown_private_names() -> None:
    module = importlib.import_module("tidewheel.dagster._core.somewhere")
    stand_in = module.NoSuchThing
    assert isinstance(stand_in, type)
    assert module.NoSuchThing is stand_in
    with pytest.raises(UnsupportedNameError, match="NoSuchThing"):
        stand_in(1)
    function = importlib.import_module("tidewheel.dagster._core.somewhere.no_such_function")
    with pytest.raises(UnsupportedNameError, match="no_such_function"):
        function()
    with pytest.raises(UnsupportedNameError, match="NO_SUCH_CONSTANT"):
        module.NO_SUCH_CONSTANT()

    class Handler(module.NoSuchThing[int]):
        pass

    assert Handler()


def test_what_lies_below_components_is_in_components() -> None:
    components = importlib.import_module("tidewheel.dagster.components")
    assert (
        importlib.import_module("tidewheel.dagster.components.resolved.base").Resolvable
        is components.Resolvable
    )
    module = importlib.import_module("tidewheel.dagster.components.component.some_component")
    assert module.StateBackedComponent is components.StateBackedComponent
    kwargs = importlib.import_module(
        "tidewheel.dagster.components.resolved.core_models"
    ).AssetSpecKeyUpdateKwargs
    assert list(kwargs.model().model_fields) == ["key", "key_prefix"]
    with pytest.raises(UnsupportedNameError, match="NoSuchComponent"):
        module.NoSuchComponent()


@record
class Point:
    x: int
    names: dict[str, int] = {}  # noqa: RUF012 - as such classes are written


@whitelist_for_serdes(storage_name="q")
@record(checked=False)
class Named(Point):
    name: str = "p"


def test_records() -> None:
    point = Named(x=1)
    assert as_dict(point) == {"x": 1, "names": {}, "name": "p"}
    assert point == Named(x=1, name="p") != replace(point, x=2)
    assert point.names is not Named(x=1).names
    with pytest.raises(AttributeError):
        point.x = 2


def test_checks_of_arguments() -> None:
    assert int_param(3, "n") == 3
    assert opt_str_param(None, "s", "default") == "default"
    assert sequence_param((1, 2), "s", of_type=int) == (1, 2)
    with pytest.raises(ParameterCheckError, match="'n': expected int, got 'x'"):
        int_param("x", "n")
    with pytest.raises(ElementCheckError):
        is_list([1, "x"], of_type=int)
    with pytest.raises(CheckError):
        not_none(None)


def test_the_clocks_stand_while_time_is_frozen() -> None:
    moment = create_datetime(2024, 3, 31, 3, tz="Europe/Berlin")
    with freeze_time(moment):
        assert get_current_datetime() == moment
        assert now_s() == moment.timestamp()
    assert get_current_datetime() > datetime(2025, 1, 1, tzinfo=UTC)


def test_variables_of_the_environment_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEWHEEL_TEST_KEPT", "before")
    with environ({"TIDEWHEEL_TEST_KEPT": None, "TIDEWHEEL_TEST_NEW": "x"}):
        assert "TIDEWHEEL_TEST_KEPT" not in os.environ
        assert os.environ["TIDEWHEEL_TEST_NEW"] == "x"
    assert os.environ["TIDEWHEEL_TEST_KEPT"] == "before"
    assert "TIDEWHEEL_TEST_NEW" not in os.environ


def test_backoff_gives_up() -> None:
    calls: list[int] = []

    def fails() -> None:
        calls.append(1)
        raise OSError("busy")

    with pytest.raises(OSError, match="busy"):
        backoff(fails, (OSError,), max_retries=2, delay_generator=iter([0.0, 0.0]))
    assert len(calls) == 3


def test_results_are_kept_by_arguments() -> None:
    class Counts:
        calls = 0

        @cached_method
        def double(self, n: int) -> int:
            self.calls += 1
            return 2 * n

    one = Counts()
    assert [one.double(2), one.double(2), one.double(3), one.calls] == [4, 4, 6, 2]


def test_merging() -> None:
    assert deep_merge_dicts({"a": {"b": 1}, "c": 2}, {"a": {"d": 3}, "c": {}}) == {
        "a": {"b": 1, "d": 3},
        "c": {},
    }


def test_time_dimension() -> None:
    days = DailyPartitionsDefinition("2024-01-01")
    letters = StaticPartitionsDefinition(["a"])
    assert get_time_partitions_def(MultiPartitionsDefinition({"day": days, "letter": letters})) == days
    assert get_time_partitions_def(letters) is None


def test_ops_for_tests() -> None:
    result = wrap_op_in_graph_and_execute(create_stub_op("five", 5))
    assert result.output_value() == 5
    joined = create_op_with_deps("joined", create_stub_op("left", 1), create_stub_op("right", 2))
    assert sorted(joined.ins) == ["left", "right"]


def test_runs_for_tests() -> None:
    with Instance.ephemeral() as instance:
        run = create_run_for_test(instance, "nightly", status=RunStatus.FAILURE, tags={"batch": "7"})
        assert (run.job_name, run.status, run.tags["batch"]) == ("nightly", RunStatus.FAILURE, "7")
        assert create_run_for_test(instance, run_id="chosen").run_id == "chosen"
        assert [each.run_id for each in instance.get_runs()] == ["chosen", run.run_id]


def some_hook(context: object, event_list: object) -> None: ...


@pytest.mark.parametrize(
    ("expected", "fits"), [(["context"], True), (["context", "event_list"], True), (["event_list"], False)]
)
def test_parameters_of_hooks(expected: list[str], fits: bool) -> None:
    if fits:
        require_parameters(some_hook, expected)
    else:
        with pytest.raises(InvalidDefinitionError, match="some_hook"):
            require_parameters(some_hook, expected)


def test_what_is_only_imported_says_so_when_it_is_used() -> None:
    with pytest.raises(UnsupportedNameError, match="StepLauncher"):
        importlib.import_module("tidewheel.dagster").StepLauncher()


def test_partitions_as_plain_keys() -> None:
    subset = importlib.import_module("tidewheel.dagster._core.definitions.partitions.subset.default")
    plain = subset.DefaultPartitionsSubset({"a"})
    kept = StaticPartitionsDefinition(["a", "b"]).empty_subset().with_partition_keys(["a"])
    assert plain == kept
    assert kept == plain
    assert sorted(plain.with_partition_keys(["b"]).get_partition_keys()) == ["a", "b"]
    assert (plain | kept) == (plain & kept) == plain
    assert not (plain - kept)


def test_more_checks_of_arguments() -> None:
    assert opt_nullable_dict_param(None, "d") is None
    assert opt_list_elem({}, "l") == []
    assert opt_str_elem({"s": "x"}, "s") == "x"
    assert class_param(bool, "c", superclass=int) is bool
    for refused in (
        lambda: opt_nullable_dict_param([], "d"),
        lambda: dict_elem({}, "d"),
        lambda: class_param(3, "c"),
        lambda: class_param(str, "c", superclass=int),
    ):
        with pytest.raises(ParameterCheckError):
            refused()


def test_small_functions_of_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (clean_name("a-b c.D"), clean_name_lower("A-b C")) == ("a_b_c_D", "a_b_c")
    assert normalize_renamed_param(None, "new", 2, "old", lambda value: value * 2) == 4
    assert normalize_renamed_param(1, "new", None, "old") == 1
    with pytest.raises(CheckError, match="old"):
        normalize_renamed_param(1, "new", 2, "old")
    monkeypatch.setenv("REEF", "x")
    assert (parse_env_var("A=b=c"), parse_env_var("REEF")) == (("A", "b=c"), ("REEF", "x"))
    with pytest.raises(ValueError, match="NO_SUCH"):
        parse_env_var("NO_SUCH")


@record_custom
class Doubled(IHaveNew):
    given: int
    twice: int

    def __new__(cls, given: int, factor: int = 2) -> Doubled:
        return super().__new__(cls, given=given, twice=given * factor)


def test_a_record_that_makes_its_fields_itself() -> None:
    made = Doubled(3)
    assert (made.given, made.twice, made) == (3, 6, Doubled(3, factor=2))
    assert as_dict(made) == {"given": 3, "twice": 6}
    with pytest.raises(AttributeError):
        made.given = 4


def test_warnings_in_tests_are_left_out_or_made_errors() -> None:
    @ignore_warning("old")
    def quiet() -> int:
        warnings.warn("an old one", UserWarning, stacklevel=1)
        return 1

    with warnings.catch_warnings():
        raise_exception_on_warnings()
        assert quiet() == 1
        with pytest.raises(UserWarning):
            warnings.warn("another", UserWarning, stacklevel=1)


def test_steps_of_a_run_are_looked_up_in_its_events() -> None:
    op = create_stub_op("made", 1)
    with Instance.ephemeral() as instance:
        result = GraphDefinition("g", node_defs=[op]).execute_in_process(instance=instance)
        assert step_succeeded(instance, result.dagster_run, "made")
        assert step_did_not_run(instance, result.dagster_run, "other")
        assert [event.step_key for event in step_output_event_filter(result.all_events)] == ["made"]


def test_small_functions_that_tests_use() -> None:
    assert dict_without_keys({"a": 1, "b": 2}, "a") == {"b": 2}
    assert has_kind({"dagster/kind/dlt": ""}, "dlt") and not has_kind({}, "dlt")
    with scoped_definitions_load_context(), ThreadPoolExecutor(2) as pool:
        assert list(imap(pool, iter([1, 2]), str)) == ["1", "2"]
    assert build_kind_tag("dlt") == {"dagster/kind/dlt": ""}
    assert toposort_flatten({"a": {"b", "c"}, "b": set(), "d": {"a"}}) == ["b", "c", "a", "d"]
    with pytest.raises(ValueError, match="circle"):
        toposort_flatten({"a": {"b"}, "b": {"a"}})
    assert is_valid_owner("team:a") and not is_valid_owner("a")
    with (
        pytest.raises(UserCodeExecutionError, match="said") as caught,
        user_code_error_boundary(UserCodeExecutionError, lambda: "said"),
    ):
        raise ValueError("boo")
    assert isinstance(caught.value.user_exception, ValueError)
    one, other = TimestampWithTimezone(1.0, "UTC"), TimestampWithTimezone(2.0, "UTC")
    assert_namedtuple_lists_equal([one], [other], exclude_fields=["timestamp"])
    with pytest.raises(AssertionError):
        assert_namedtuple_lists_equal([one], [other])


def test_an_error_that_we_do_not_have_can_be_named_where_errors_are_caught() -> None:
    missing = importlib.import_module("tidewheel.dagster._core.errors").DagsterObjectStoreError
    assert issubclass(missing, Exception)


def test_packages_that_dagster_carries_copies_of_are_the_packages() -> None:
    parser = importlib.import_module("tidewheel.dagster._vendored.dateutil.parser")
    assert parser.parse("2024-01-02") == datetime(2024, 1, 2)
    assert importlib.import_module("tidewheel.dagster._vendored.dateutil").__name__ == "dateutil"


def test_a_class_that_is_allowed_to_be_written_can_be_read_again() -> None:
    @whitelist_for_serdes(storage_name="Kept")
    @record
    class Cursor:
        seen: dict
        key: object = None

    class Level(Enum):
        LOW = 1

    whitelist_for_serdes(Level)
    text = serialize_value(Cursor(seen={"a": Level.LOW}, key=1))
    assert '"Kept"' in text
    assert deserialize_value(text, Cursor) == Cursor(seen={"a": Level.LOW}, key=1)
    assert non_secure_md5_hash_str(b"a") == "0cc175b9c0f1b6a831c399e269772661"


def test_the_package_that_dagster_shares_with_its_commands_is_there_where_it_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, WholePackageFinder("shared_with_commands")])
    check = importlib.import_module("shared_with_commands.check")
    assert check.str_param("a", "name") == "a"
    assert importlib.import_module("shared_with_commands.serdes").whitelist_for_serdes is whitelist_for_serdes
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("shared_with_nobody")
