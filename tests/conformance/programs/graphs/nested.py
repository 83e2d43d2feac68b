from dagster import Definitions, GraphIn, GraphOut, Int, Out, Output, graph, in_process_executor, job, op


@op
def celsius():
    return 20


@op
def to_fahrenheit(degrees):
    return degrees * 9 / 5 + 32


@op
def describe(degrees, unit: str = "F"):
    return f"{degrees}{unit}"


@graph(description="Converts.")
def convert(degrees):
    return to_fahrenheit(degrees)


@graph(ins={"degrees": GraphIn(description="input")}, out={"text": GraphOut(), "number": GraphOut()})
def report(degrees):
    number = convert(degrees)
    return {"text": describe(number), "number": number}


@graph(tags={"layer": "weather"})
def weather():
    text, number = report(celsius())
    describe.alias("again")(number, unit=text)


weather_job = weather.to_job(
    name="weather_job", tags={"run": "yes"}, description="From a graph.", executor_def=in_process_executor
)
same_name = weather.to_job()


@job
def weather_in_job():
    convert.alias("inner")(celsius())


defs = Definitions(jobs=[weather_job, weather_in_job])


def test_nested_output():
    result = weather_job.execute_in_process()
    assert result.output_for_node("report.convert.to_fahrenheit") == 68
    assert result.output_for_node("report", "text") == "68.0F"
    assert result.is_node_success("report.describe")


def observe():
    return {
        "names": [weather.name, weather_job.name, same_name.name],
        "nodes": sorted(weather.node_dict),
        "output": weather.execute_in_process().output_for_node("again"),
        "graph_outs": [definition.name for definition in report.output_defs],
    }
