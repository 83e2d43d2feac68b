"""Mistakes in graphs and ops that are errors when the file is read: all of them, with their class."""

import dagster as dg
from dagster import DagsterInvalidDefinitionError, Field, In, Nothing, Out, graph, job, op


@op
def one():
    return 1


@op
def takes(x):
    return x


@op(out={"a": Out(), "b": Out()})
def two():
    return 1, 2


@op(ins={"n": In(Nothing)})
def after():
    pass


@op(out=dg.DynamicOut())
def dynamic():
    yield dg.DynamicOutput(1, "a")


def mistakes():
    def missing_input_is_config():
        @job
        def j():
            takes()

        j.execute_in_process()

    def too_many_arguments():
        @job
        def j():
            takes(one(), one.alias("o")())

    def unknown_keyword():
        @job
        def j():
            takes(y=one())

    def plain_value():
        @job
        def j():
            takes(5)

    def unpack_wrong():
        @job
        def j():
            a, b, c = two()

    def whole_tuple():
        @job
        def j():
            takes(two())

    def unknown_output():
        @job
        def j():
            takes(two().c)

    def returned_in_job():
        @job
        def j():
            return one()

    def graph_missing_output():
        @graph(out={"a": dg.GraphOut(), "b": dg.GraphOut()})
        def g():
            return {"a": one()}

    def graph_out_but_nothing():
        @graph(out=dg.GraphOut())
        def g():
            one()

    def graph_unused_input():
        @graph
        def g(x):
            one()

    def bad_name():
        @op(name="bad name")
        def o():
            pass

    def bad_job_name():
        @job(name="has-dash")
        def j():
            one()

    def reserved_name():
        @op
        def input():
            pass

    def star_args():
        @op
        def o(*args):
            pass

    def in_without_parameter():
        @op(ins={"zz": In()})
        def o(a):
            pass

    def context_only_required_resource_type():
        @op(required_resource_keys=["a"])
        def o(context):
            pass

    def resource_type():
        @op(required_resource_keys="abc")
        def o(context):
            pass

    def nothing_with_parameter():
        @op(ins={"n": In(Nothing)})
        def o(n):
            pass

    def dynamic_to_plain_two():
        @job
        def j():
            d = dynamic()
            takes(d)

    def collect_plain():
        @job
        def j():
            takes(one().collect())

    def nested_dynamic():
        @job
        def j():
            dynamic().map(lambda x: takes2(dynamic_in(x).collect()))

        j.execute_in_process()

    @op(out=dg.DynamicOut())
    def dynamic_in(x):
        yield dg.DynamicOutput(x, "k")

    @op
    def takes2(x):
        return x

    def nested_dynamic_2():
        @job
        def j():
            dynamic().map(dynamic_in).map(takes2)

        j.execute_in_process()

    def same_name_different_ops():
        def make():
            @op(name="one")
            def other():
                return 2

            return other

        @job
        def j():
            one()
            make()()

    def call_outside():
        takes(one)

    def bad_config_schema():
        @op(config_schema=5)
        def o(context):
            pass

    def bad_default():
        Field(int, default_value="x")

    def required_with_default():
        Field(int, is_required=True, default_value=1)

    def duplicate_outs():
        dg.OpDefinition(name="x", compute_fn=lambda c, i: None, ins={}, outs={"a b": Out()})

    def bad_tags():
        @op(tags={"a": object()})
        def o():
            pass

    def bad_tag_key():
        @job(tags={"bad key!!" * 30: "x"})
        def j():
            one()

    def retry_policy_without_delay():
        dg.RetryPolicy(backoff=dg.Backoff.LINEAR)

    def job_without_ops():
        @job
        def j():
            pass

        j.execute_in_process()

    def config_twice():
        @job(config={"ops": {"one": {"config": 1}, "zz": {}}})
        def j():
            one()

        j.execute_in_process()

    def bad_job_config_at_definition():
        @op(config_schema={"a": int})
        def c(context):
            pass

        @job(config={"ops": {"c": {"config": {"a": "x"}}}})
        def j():
            c()

        j.execute_in_process()

    def op_in_definitions():
        dg.Definitions(jobs=[one])

    def duplicate_jobs():
        @job(name="same")
        def a():
            one()

        @job(name="same")
        def b():
            takes(one())

        dg.Definitions(jobs=[a, b]).get_repository_def()

    def bad_executor():
        @job(executor_def=one)
        def j():
            one()

    def cycle():
        dg.GraphDefinition(
            name="c",
            node_defs=[takes],
            dependencies={
                dg.NodeInvocation("takes", "a"): {"x": dg.DependencyDefinition("b")},
                dg.NodeInvocation("takes", "b"): {"x": dg.DependencyDefinition("a")},
            },
        ).to_job().execute_in_process()

    def unknown_node():
        dg.GraphDefinition(
            name="c", node_defs=[takes], dependencies={"takes": {"x": dg.DependencyDefinition("zz")}}
        )

    def failing_type():
        @op(out=Out("text"))
        def o():
            return 1

    def returns_non_output_annotation():
        @op(out={"a": Out(), "b": Out()})
        def o() -> int:
            return 1

    def tuple_length():
        @op(out={"a": Out(), "b": Out()})
        def o():
            return 1, 2, 3

        @job
        def j():
            o()

        j.execute_in_process()

    def yields_twice():
        @op
        def o():
            yield dg.Output(1)
            yield dg.Output(2)

        @job
        def j():
            o()

        j.execute_in_process()

    def unknown_output_yielded():
        @op
        def o():
            yield dg.Output(1, "zz")

        @job
        def j():
            o()

        j.execute_in_process()

    def nothing_yielded():
        @op
        def o():
            if False:
                yield dg.Output(1)

        @job
        def j():
            o()

        j.execute_in_process()

    def yields_value():
        @op
        def o():
            yield 1

        @job
        def j():
            o()

        j.execute_in_process()

    def non_dynamic_yields_dynamic():
        @op
        def o():
            yield dg.DynamicOutput(1, "a")

        @job
        def j():
            o()

        j.execute_in_process()

    def duplicate_mapping_key():
        @op(out=dg.DynamicOut())
        def o():
            yield dg.DynamicOutput(1, "a")
            yield dg.DynamicOutput(1, "a")

        @job
        def j():
            o()

        j.execute_in_process()

    def bad_mapping_key():
        dg.DynamicOutput(1, "a-b.c")

    return {
        name: fn for name, fn in locals().items() if callable(fn) and name not in ("dynamic_in", "takes2")
    }


def outcome(fn):
    try:
        fn()
        return "ok"
    except Exception as e:
        if isinstance(e, DagsterInvalidDefinitionError):
            return "InvalidDefinitionError"
        name = type(e).__name__.removeprefix("Dagster")
        return "CheckError" if name.endswith("CheckError") else name


def observe():
    return {name: outcome(fn) for name, fn in mistakes().items()}


@job
def fine():
    after(one())


defs = dg.Definitions(jobs=[fine])
