"""Each role × each operation, scopes, tokens' limits, read-only mode."""

from __future__ import annotations

import pytest

from tidewheel.api.graphql.permissions import ALL, NEEDED
from tidewheel.logic.access.decide import ANYWHERE, WHOLE_SERVER, Resource, decide_access
from tidewheel.logic.access.operations import CONTROL_OPERATIONS, OPERATIONS
from tidewheel.runtime.remote.socket_client import CONTROL_METHODS, CONTROL_PREFIX
from tidewheel.values.access import Grant, Principal, Role

ROLES = ("viewer", "launcher", "editor", "admin")
TABLE = """
view                          yes yes yes yes
launch_pipeline_execution     no  yes yes yes
launch_pipeline_reexecution   no  yes yes yes
terminate_pipeline_execution  no  yes yes yes
schedule_dry_run              no  yes yes yes
sensor_dry_run                no  yes yes yes
report_runless_asset_events   no  yes yes yes
launch_partition_backfill     no  yes yes yes
cancel_partition_backfill     no  yes yes yes
manage_own_tokens             no  yes yes yes
start_schedule                no  no  yes yes
stop_running_schedule         no  no  yes yes
edit_sensor                   no  no  yes yes
update_sensor_cursor          no  no  yes yes
delete_pipeline_run           no  no  yes yes
wipe_assets                   no  no  yes yes
edit_dynamic_partitions       no  no  yes yes
reload_repository_location    no  no  yes yes
pause_automation              no  no  yes yes
waive_owed_work               no  no  yes yes
see_webhook_deliveries        no  no  yes yes
replay_webhook_delivery       no  no  yes yes
reload_workspace              no  no  yes yes
toggle_auto_materialize       no  no  yes yes
edit_concurrency_limit        no  no  yes yes
set_run_priority              no  yes yes yes
manage_users                  no  no  no  yes
manage_tokens                 no  no  no  yes
read_audit                    no  no  no  yes
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()}
CASES = [
    (operation, role, answer == "yes")
    for operation, answers in ROWS.items()
    for role, answer in zip(ROLES, answers, strict=True)
]


def somebody(*grants: Grant, limits: tuple[Grant, ...] | None = None) -> Principal:
    return Principal(name="ana", grants=grants, limits=limits)


def test_every_operation_has_a_row():
    assert set(ROWS) == set(OPERATIONS)


@pytest.mark.parametrize("operation, role, is_allowed", CASES)
def test_each_role_may_do_what_its_row_says(operation, role, is_allowed):
    found = decide_access(somebody(Grant(role=Role(role))), operation, WHOLE_SERVER)
    assert found.is_allowed is is_allowed
    assert is_allowed or f"needs role {OPERATIONS[operation].needs.value!r}" in found.reason


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_nobody_may_do_anything_without_a_login(operation):
    assert "needs a login" in decide_access(None, operation, ANYWHERE).reason


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_user_without_grants_may_do_nothing(operation):
    assert "has no role" in decide_access(somebody(), operation, ANYWHERE).reason


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_read_only_refuses_exactly_what_changes_something(operation):
    found = decide_access(somebody(Grant(role=Role.ADMIN)), operation, WHOLE_SERVER, read_only=True)
    assert found.is_allowed is not OPERATIONS[operation].changes


def test_an_operation_that_is_not_in_the_table_is_an_error():
    with pytest.raises(KeyError, match="edit_sensor"):
        decide_access(somebody(Grant(role=Role.ADMIN)), "edit_sensors", WHOLE_SERVER)


def test_every_mutation_and_every_control_method_maps_to_an_operation():
    assert set(NEEDED.values()) <= set(ALL) <= set(OPERATIONS)
    assert {CONTROL_PREFIX + name for name in CONTROL_OPERATIONS} == set(CONTROL_METHODS)
    assert set(CONTROL_OPERATIONS.values()) <= set(OPERATIONS)


SALES = Grant(role=Role.EDITOR, locations=("sales",))
SHOP = Grant(role=Role.EDITOR, groups=("shop", "till"))
BOTH = Grant(role=Role.EDITOR, locations=("sales",), groups=("shop",))


@pytest.mark.parametrize(
    "grant, resource, is_allowed",
    [
        (SALES, Resource(location="sales"), True),
        (SALES, Resource(location="sales", groups=frozenset({"any"})), True),
        (SALES, Resource(location="other"), False),
        (SALES, WHOLE_SERVER, False),
        (SALES, ANYWHERE, True),
        (SHOP, Resource(location="any", groups=frozenset({"shop"})), True),
        (SHOP, Resource(location="any", groups=frozenset({"shop", "till"})), True),
        (SHOP, Resource(location="any", groups=frozenset({"shop", "office"})), False),
        (SHOP, Resource(location="any"), False),
        (BOTH, Resource(location="sales", groups=frozenset({"shop"})), True),
        (BOTH, Resource(location="other", groups=frozenset({"shop"})), False),
    ],
)
def test_a_grant_for_a_part_covers_that_part(grant, resource, is_allowed):
    assert decide_access(somebody(grant), "wipe_assets", resource).is_allowed is is_allowed


def test_what_is_about_the_whole_server_needs_a_grant_for_everything():
    assert "for everything" in decide_access(somebody(SALES), "reload_workspace", ANYWHERE).reason


def test_a_token_can_do_less_than_its_user_but_never_more():
    viewer = (Grant(role=Role.VIEWER),)
    admin = (Grant(role=Role.ADMIN),)
    narrow = somebody(*admin, limits=viewer)
    assert "this token has role 'viewer'" in decide_access(narrow, "wipe_assets", WHOLE_SERVER).reason
    assert decide_access(narrow, "view", WHOLE_SERVER).is_allowed
    greedy = somebody(*viewer, limits=admin)
    assert not decide_access(greedy, "wipe_assets", WHOLE_SERVER).is_allowed
