from dagster import Definitions, In, Nothing, Out, Output, job, op


@op(out={"sunny": Out(is_required=False), "rainy": Out(is_required=False)}, config_schema={"forecast": str})
def look_outside(context):
    if context.op_config["forecast"] == "sun":
        yield Output("sun", "sunny")
    else:
        yield Output("rain", "rainy")


@op
def beach(weather):
    return f"beach in the {weather}"


@op
def museum(weather):
    return f"museum in the {weather}"


@op(ins={"done": In(Nothing)})
def go_home():
    return "home"


@op
def merge_optional(plans: list):
    return plans


@job(config={"ops": {"look_outside": {"config": {"forecast": "sun"}}}})
def weekend():
    sunny, rainy = look_outside()
    merge_optional([beach(sunny), museum(rainy)])


@job(config={"ops": {"look_outside": {"config": {"forecast": "fog"}}}})
def rainy_weekend():
    sunny, rainy = look_outside()
    go_home(beach(sunny))
    museum(rainy)


defs = Definitions(jobs=[weekend, rainy_weekend])


def test_skips():
    result = weekend.execute_in_process()
    assert result.output_for_node("merge_optional") == ["beach in the sun"]
    assert result.is_node_skipped("museum")
    assert result.is_node_success("beach")
    assert rainy_weekend.execute_in_process().is_node_skipped("go_home")
