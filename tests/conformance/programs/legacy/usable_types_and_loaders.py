from dagster import (
    DagsterType,
    DagsterTypeLoader,
    Definitions,
    Field,
    In,
    Out,
    PythonObjectDagsterType,
    String,
    dagster_type_loader,
    job,
    make_python_type_usable_as_dagster_type,
    op,
    usable_as_dagster_type,
)


class Colour:
    def __init__(self, name):
        self.name = name


@dagster_type_loader({"name": String})
def load_colour(context, config):
    return Colour(config["name"])


ColourType = PythonObjectDagsterType(Colour, loader=load_colour, name="ColourType")


class Shape:
    pass


ShapeType = DagsterType(name="ShapeType", type_check_fn=lambda _, value: isinstance(value, Shape))
make_python_type_usable_as_dagster_type(Shape, ShapeType)


@usable_as_dagster_type
class Tile:
    pass


@op(ins={"colour": In(ColourType)})
def paint(colour):
    return colour.name


@op
def shape() -> Shape:
    return Shape()


@op
def tile(one: Shape) -> Tile:
    return Tile()


@job
def painting():
    paint()


@job
def tiling():
    tile(shape())


defs = Definitions(jobs=[painting, tiling])


def test_loader():
    config = {"ops": {"paint": {"inputs": {"colour": {"name": "red"}}}}}
    assert painting.execute_in_process(run_config=config).output_for_node("paint") == "red"
    assert tiling.execute_in_process().success
