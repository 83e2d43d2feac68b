from dagster import ConfigurableResource, Definitions, ResourceDependency, asset, job, materialize, op


class Credentials(ConfigurableResource):
    user: str
    password: str = "pw"


class Files(ConfigurableResource):
    credentials: Credentials
    root: str

    def describe(self):
        return f"{self.credentials.user}:{self.root}"


class Queue:
    def __init__(self, size):
        self.size = size


class QueueFactory(ConfigurableResource):
    size: int

    def create_resource(self, context) -> Queue:
        return Queue(self.size)


class Consumer(ConfigurableResource):
    queue: ResourceDependency[Queue]
    name: str = "c"


@asset
def listing(files: Files):
    return files.describe()


@asset
def consumed(consumer: Consumer):
    return f"{consumer.name}{consumer.queue.size}"


@op
def show(files: Files):
    return files.describe()


@job
def showing():
    show()


credentials = Credentials.configure_at_launch()
fixed = Credentials(user="fixed")
queue = QueueFactory(size=9)

defs = Definitions(
    assets=[listing, consumed],
    jobs=[showing],
    resources={
        "files": Files(credentials=fixed, root="/data"),
        "queue": queue,
        "consumer": Consumer(queue=queue),
    },
)


def test_configured_at_launch():
    result = materialize(
        [listing],
        resources={"credentials": credentials, "files": Files(credentials=credentials, root="/r")},
        run_config={"resources": {"credentials": {"config": {"user": "late"}}}},
    )
    assert result.output_for_node("listing") == "late:/r"


def test_process_config_and_initialize():
    assert Files(credentials=Credentials(user="z"), root="/q").describe() == "z:/q"
    assert consumed(Consumer(queue=Queue(3))) == "c3"
