from dagster import (
    BindResourcesToJobs,
    ConfigurableResource,
    Definitions,
    asset,
    define_asset_job,
    job,
    op,
    RunConfig,
)


class Greeter(ConfigurableResource):
    word: str

    def greet(self, name):
        return f"{self.word}, {name}"


@op
def hello(greeter: Greeter):
    return greeter.greet("ada")


@job
def hello_job():
    hello()


@asset
def letter(greeter: Greeter):
    return greeter.greet("reader")


letters = define_asset_job("letters", selection=[letter])

defs = Definitions(
    assets=[letter],
    jobs=BindResourcesToJobs([hello_job, letters]),
    resources={"greeter": Greeter.configure_at_launch()},
)


def test_config_needed():
    result = defs.get_job_def("hello_job").execute_in_process(
        run_config=RunConfig(resources={"greeter": Greeter(word="hi")})
    )
    assert result.output_for_node("hello") == "hi, ada"
    result = defs.get_job_def("letters").execute_in_process(
        run_config={"resources": {"greeter": {"config": {"word": "dear"}}}}
    )
    assert result.output_for_node("letter") == "dear, reader"


def test_execute_with_resources():
    result = hello_job.execute_in_process(resources={"greeter": Greeter(word="yo")})
    assert result.output_for_node("hello") == "yo, ada"
