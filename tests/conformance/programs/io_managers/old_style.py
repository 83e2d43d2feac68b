from dagster import (
    Definitions,
    Field,
    In,
    IOManager,
    IOManagerDefinition,
    Out,
    asset,
    input_manager,
    io_manager,
    job,
    mem_io_manager,
    op,
    resource,
    InMemoryIOManager,
    AssetIn,
)

VALUES = {}


class Shelf(IOManager):
    def __init__(self, name):
        self.name = name

    def handle_output(self, context, obj):
        VALUES[(self.name, *context.get_identifier()[-2:])] = obj

    def load_input(self, context):
        upstream = context.upstream_output
        return VALUES[(self.name, *upstream.get_identifier()[-2:])]


@io_manager(
    config_schema={"name": Field(str, default_value="default")},
    description="a shelf",
    required_resource_keys={"owner"},
)
def shelf(init_context):
    return Shelf(f"{init_context.resources.owner}-{init_context.resource_config['name']}")


@io_manager(output_config_schema={"path": str})
def configurable_per_output(_):
    class Inner(IOManager):
        def handle_output(self, context, obj):
            VALUES[context.config["path"]] = obj

        def load_input(self, context):
            return VALUES[context.upstream_output.config["path"]]

    return Inner()


@input_manager
def constant_loader(_):
    return "constant"


@input_manager(input_config_schema={"value": int})
def config_loader(context):
    return context.config["value"]


@op(out=Out(io_manager_key="shelf"))
def put():
    return "book"


@op
def take(book):
    return f"{book}!"


@op(out=Out(io_manager_key="configurable"))
def write():
    return "ab"


@op(
    ins={
        "text": In(),
        "extra": In(input_manager_key="loader"),
        "number": In(input_manager_key="config_loader"),
    }
)
def read(text, extra, number):
    return [text, extra, number]


@resource
def owner(_):
    return "ada"


@job(resource_defs={"shelf": shelf, "owner": owner})
def library():
    take(put())


@job(
    resource_defs={
        "configurable": configurable_per_output,
        "loader": constant_loader,
        "config_loader": config_loader,
    },
    config={
        "ops": {
            "write": {"outputs": {"result": {"path": "somewhere"}}},
            "read": {"inputs": {"number": {"value": 4}}},
        }
    },
)
def writing():
    read(text=write())


hard = InMemoryIOManager()


@asset
def kept():
    return 1


@asset(ins={"kept": AssetIn(input_manager_key="loader")})
def loaded(kept):
    return kept


defs = Definitions(
    assets=[kept, loaded],
    jobs=[library, writing],
    resources={"io_manager": IOManagerDefinition.hardcoded_io_manager(hard), "loader": constant_loader},
)


def test_library():
    assert library.execute_in_process().output_for_node("take") == "book!"


def test_writing():
    assert writing.execute_in_process().output_for_node("read") == ["ab", "constant", 4]
