from __future__ import annotations

import warnings
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions import api_markers as m
from tidewheel.definitions.assets.metadata_entry import MetadataEntry
from tidewheel.definitions.jobs.run_control import DefaultRunLauncher, QueuedRunCoordinator
from tidewheel.definitions.jobs.run_tags import MAX_RUNTIME_SECONDS_TAG, get_multidimensional_partition_tag
from tidewheel.errors import CheckError, InvalidMetadata, NotSupportedError
from tidewheel.values.metadata import IntMetadataValue


@pytest.mark.parametrize(
    ("warn", "kind", "base"),
    [
        (lambda: m.deprecation_warning("x", "2.0", "use y"), DeprecationWarning, Warning),
        (lambda: m.beta_warning("x", "use y"), m.BetaWarning, Warning),
        (lambda: m.preview_warning("x", "use y"), m.PreviewWarning, Warning),
        (lambda: m.supersession_warning("x", "use y"), m.SupersessionWarning, FutureWarning),
    ],
)
def test_kinds_of_warnings(warn: Any, kind: type[Warning], base: type[Warning]) -> None:
    with pytest.warns(kind, match="x .*; use y"):
        warn()
    assert issubclass(kind, base)


def test_a_warning_points_at_the_caller() -> None:
    @m.beta
    def shiny() -> int:
        return 1

    with pytest.warns(m.BetaWarning) as caught:
        shiny()
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("mark", "is_marked", "kind"),
    [
        (m.beta, m.is_beta, m.BetaWarning),
        (m.preview, m.is_preview, m.PreviewWarning),
        (m.superseded(additional_warn_text="use b"), m.is_superseded, m.SupersessionWarning),
        (m.deprecated(breaking_version="2.0"), m.is_deprecated, DeprecationWarning),
    ],
)
def test_marks_on_functions_and_classes(mark: Any, is_marked: Any, kind: type[Warning]) -> None:
    @mark
    def one(a: int, b: int = 2) -> int:
        return a + b

    @mark
    class Two:
        def __init__(self, a: int = 1) -> None:
            self.a = a

        def method(self) -> int:
            return 3

    class Inner(Two):
        pass

    class Holder:
        @property
        @mark
        def p(self) -> int:
            return 5

        @staticmethod
        @mark
        def s() -> int:
            return 6

    assert is_marked(one)
    assert is_marked(Two)
    assert not is_marked(Inner)
    assert not is_marked(Holder)
    for call, value in ((lambda: one(1), 3), (lambda: Two(4).a, 4), (lambda: Holder().p, 5), (Holder.s, 6)):
        with pytest.warns(kind):
            assert call() == value
    assert one.__name__ == "one"


def test_marks_on_parameters_warn_when_given() -> None:
    @m.deprecated_param(param="old", breaking_version="2.0", additional_warn_text="use new")
    @m.beta_param(param="new")
    def call(new: Any = None, *, old: Any = None) -> Any:
        return new, old

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert call() == (None, None)
        assert call(old=None) == (None, None)
    with pytest.warns(DeprecationWarning, match="the parameter 'old' of .*call is deprecated"):
        call(old=1)
    with pytest.warns(m.BetaWarning, match="the parameter 'new'"):
        call(new=1)


def test_marks_without_warnings() -> None:
    @m.beta(emit_runtime_warning=False)
    def quiet() -> int:
        return 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quiet() == 1
        with m.disable_dagster_warnings():
            m.preview_warning("x")
        m.suppress_dagster_warnings(lambda: m.preview_warning("x"))()
    with pytest.warns(m.PreviewWarning):
        m.preview_warning("x")


def test_public() -> None:
    @m.public
    def f() -> None: ...

    class C:
        name: m.PublicAttr[str]

        @m.public
        @property
        def p(self) -> int:
            return 1

    assert m.is_public(f)
    assert m.is_public(C.__dict__["p"])
    assert not m.is_public(C)


def test_metadata_entries() -> None:
    with pytest.warns(DeprecationWarning, match="MetadataEntry"):
        entry = MetadataEntry("l", "d", value=3)
    with pytest.warns(DeprecationWarning):
        older = MetadataEntry("l", "d", entry_data=IntMetadataValue(3))
    assert entry == older
    assert (entry.label, entry.description, entry.value) == ("l", "d", IntMetadataValue(3))
    assert entry.entry_data == entry.value
    with m.disable_dagster_warnings():
        assert MetadataEntry("l").value.value is None
        with pytest.raises(CheckError, match="both"):
            MetadataEntry("l", value=1, entry_data=2)
        with pytest.raises(InvalidMetadata):
            MetadataEntry("l", value=object())


@pytest.mark.parametrize("marker", [m.beta, m.preview, m.deprecated(breaking_version="2.0")])
def test_a_marked_resource_stays_a_resource(marker) -> None:
    @marker
    @tw.resource
    def warehouse(_):
        return "w"

    assert isinstance(warehouse, tw.ResourceDefinition)


def test_deployment_classes_can_be_made_and_do_nothing() -> None:
    coordinator = QueuedRunCoordinator(
        max_concurrent_runs=5, tag_concurrency_limits=[{"key": "a", "limit": 1}]
    )
    assert coordinator.config["max_concurrent_runs"] == 5
    assert "max_concurrent_runs=5" in repr(coordinator)
    assert "tidewheel.toml" in (QueuedRunCoordinator.__doc__ or "")
    with pytest.raises(NotSupportedError, match=r"max_concurrent_runs and tag_limits of tidewheel\.toml"):
        coordinator.submit_run(None)
    with pytest.raises(NotSupportedError, match="no setting is needed"):
        DefaultRunLauncher().launch_run(None)


def test_tags() -> None:
    assert MAX_RUNTIME_SECONDS_TAG == "dagster/max_runtime"
    assert get_multidimensional_partition_tag("d") == "dagster/partition/d"
