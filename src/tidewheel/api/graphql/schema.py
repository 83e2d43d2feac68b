"""Puts the schema file and the resolvers of all areas together, and guards every mutation."""

from __future__ import annotations

from functools import cache, wraps
from pathlib import Path
from typing import Any

from ariadne import ScalarType, make_executable_schema
from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema, GraphQLUnionType, get_named_type
from graphql.type import GraphQLField

from tidewheel.api.graphql import (
    asset_checks,
    asset_health,
    asset_mutations,
    asset_nodes,
    asset_partitions,
    assets,
    auto_materialize,
    automation,
    backfill_partitions,
    backfills,
    captured_logs,
    condition_evaluations,
    config_types,
    deliveries,
    event_fields,
    instance,
    job_descriptions,
    jobs,
    listening,
    locations,
    partition_requests,
    partition_sets,
    pools,
    python_errors,
    resources,
    run_control,
    run_launching,
    run_pools,
    run_queries,
    runs,
    staleness,
    subscriptions,
    ticks,
    trigger_mutations,
    trigger_policies,
    triggers,
    used_data,
)
from tidewheel.api.graphql.auditing import carry_out_audited
from tidewheel.api.graphql.context import context_of
from tidewheel.api.graphql.permissions import NEEDED, location_in, refusal_text, unauthorized
from tidewheel.errors import AccessRefusedError

SCHEMA_FILE = Path(__file__).with_name("schema.graphql")
AREAS = (
    asset_checks,
    asset_health,
    asset_mutations,
    asset_nodes,
    asset_partitions,
    assets,
    auto_materialize,
    automation,
    backfill_partitions,
    backfills,
    captured_logs,
    condition_evaluations,
    config_types,
    deliveries,
    event_fields,
    instance,
    job_descriptions,
    jobs,
    listening,
    locations,
    partition_requests,
    partition_sets,
    pools,
    python_errors,
    resources,
    run_control,
    run_launching,
    run_pools,
    run_queries,
    runs,
    staleness,
    subscriptions,
    ticks,
    trigger_mutations,
    trigger_policies,
    triggers,
    used_data,
)


@cache
def build_schema() -> GraphQLSchema:
    """The executable schema; built once in a process.

    Raises:
        KeyError: when a mutation has no permission in ``permissions.NEEDED``.
    """
    run_config_data = ScalarType("RunConfigData")
    bindables = [bindable for area in AREAS for bindable in area.BINDABLES]
    schema = make_executable_schema(
        SCHEMA_FILE.read_text(encoding="utf-8"), *bindables, run_config_data, convert_names_case=True
    )
    assert schema.mutation_type is not None
    for name, field in schema.mutation_type.fields.items():
        field.resolve = _guarded(name, field, NEEDED[name])
    return schema


def _guarded(name: str, field: GraphQLField, permission: str) -> Any:
    """The field's resolver, carried out only for those who may, with nothing remembered from before; and audited."""
    resolve = field.resolve
    assert resolve is not None
    named = get_named_type(field.type)
    can_refuse = isinstance(named, GraphQLUnionType) and any(
        t.name == "UnauthorizedError" for t in named.types
    )

    @wraps(resolve)
    async def guarded(root: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        context = context_of(info)
        reason = context.access.refusal(permission, location_in(arguments))
        if reason is not None:
            what = {"mutation": name, **arguments}
            await context.server.guard.note(
                context.caller, permission, what, outcome="refused", message=reason
            )
            if can_refuse:
                return unauthorized(permission, reason)
            raise GraphQLError(refusal_text(permission, reason), extensions={"code": "UNAUTHORIZED"})
        context.begin_anew()
        try:
            return await carry_out_audited(
                context, name, permission, arguments, lambda: resolve(root, info, **arguments)
            )
        except AccessRefusedError as refused:
            if can_refuse:
                return unauthorized(permission, str(refused))
            raise GraphQLError(str(refused), extensions={"code": "UNAUTHORIZED"}) from None

    return guarded
