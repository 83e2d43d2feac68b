from dagster import (
    AssetKey,
    AssetSelection,
    AssetSpec,
    Definitions,
    SourceAsset,
    asset,
    asset_check,
    AssetCheckResult,
    define_asset_job,
    multi_asset,
)

source = AssetSpec(AssetKey(["ext", "source"]), group_name="outside")


@asset(
    group_name="raw",
    key_prefix="wh",
    deps=[source],
    tags={"domain": "sales", "pii": ""},
    kinds={"python"},
    owners=["team:one"],
)
def a(): ...


@asset(group_name="raw", key_prefix="wh", tags={"domain": "ops"}, owners=["ada@example.org"])
def b(): ...


@asset(group_name="mid", deps=[a, b], kinds={"sql", "duckdb"})
def c(): ...


@asset(group_name="mid", deps=[c])
def d(): ...


@asset(group_name="end", deps=[d, b], tags={"domain": "sales"})
def e(): ...


@multi_asset(specs=[AssetSpec("m1", deps=[e]), AssetSpec("m2", deps=["m1"])], can_subset=False)
def m(): ...


@asset_check(asset=c)
def c_check():
    return AssetCheckResult(passed=True)


jobs = [
    define_asset_job("by_group", AssetSelection.groups("raw", "end")),
    define_asset_job("minus", AssetSelection.all() - AssetSelection.groups("mid")),
    define_asset_job("by_string_list", ["wh/a", "c"]),
    define_asset_job("query", "group:raw or key:d+"),
]
defs = Definitions(assets=[source, a, b, c, d, e, m], asset_checks=[c_check], jobs=jobs)


def keys(selection):
    return sorted(key.to_user_string() for key in selection.resolve(defs.resolve_asset_graph()))


def observe():
    S = AssetSelection
    selections = {
        "all": S.all(),
        "all_with_sources": S.all(include_sources=True),
        "assets": S.assets(a, "d", AssetKey(["wh", "b"])),
        "keys": S.keys("c", ["wh", "a"]),
        "groups": S.groups("mid"),
        "prefixes": S.key_prefixes("wh"),
        "prefixes_sources": S.key_prefixes(["ext"], include_sources=True),
        "substring": S.key_substring("h/"),
        "tag": S.tag("domain", "sales"),
        "tag_string": S.tag_string("domain=ops"),
        "tag_key": S.tag_string("pii"),
        "kind": S.kind("sql"),
        "owner": S.owner("ada@example.org"),
        "downstream": S.assets(c).downstream(),
        "downstream_1": S.assets(c).downstream(depth=1),
        "downstream_without": S.assets(c).downstream(include_self=False),
        "upstream": S.assets(e).upstream(),
        "upstream_1": S.assets(e).upstream(depth=1, include_self=False),
        "roots": S.all().roots(),
        "sinks": S.all().sinks(),
        "roots_of_mid": S.groups("mid", "end").roots(),
        "sources": S.assets(e).upstream().sources(),
        "upstream_sources": S.assets(a).upstream_source_assets(),
        "neighbors": S.keys("m1").required_multi_asset_neighbors(),
        "or": S.keys("c") | S.groups("end"),
        "and": S.groups("raw") & S.tag("domain", "sales"),
        "minus": S.groups("raw") - S.assets(a),
        "string_star": S.from_string("*c"),
        "string_plus": S.from_string("c+"),
        "string_pluses": S.from_string("1+key:d+2"),
        "string_query": S.from_string('(group:"raw" and not tag:"domain"="ops") or kind:duckdb'),
        "string_roots": S.from_string("roots(group:mid)"),
        "string_wildcard": S.from_string("key:wh/*"),
        "string_owner": S.from_string('owner:"team:one"'),
        "coercible": S.from_coercible(["c", "d+"]),
        "materializable": S.all(include_sources=True).materializable(),
    }
    shown = {name: keys(selection) for name, selection in selections.items()}
    graph = defs.resolve_asset_graph()
    shown["checks"] = sorted(key.to_user_string() for key in S.checks_for_assets(c).resolve_checks(graph))
    shown["all_checks"] = sorted(key.to_user_string() for key in S.all_asset_checks().resolve_checks(graph))
    shown["no_checks"] = sorted(
        key.to_user_string() for key in S.assets(c).without_checks().resolve_checks(graph)
    )
    shown["implied_checks"] = sorted(key.to_user_string() for key in S.assets(c).resolve_checks(graph))
    return shown


def test_unknown_key():
    import pytest
    from dagster import DagsterInvalidSubsetError

    with pytest.raises(DagsterInvalidSubsetError):
        keys(AssetSelection.keys("not_there"))


def test_bad_string():
    import pytest

    with pytest.raises(Exception):
        AssetSelection.from_string("group:(")
