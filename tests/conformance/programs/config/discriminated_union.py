from typing import Literal, Union

from dagster import Config, Definitions, RunConfig, job, op
from pydantic import Field


class Cat(Config):
    pet_type: Literal["cat"] = "cat"
    meows: int


class Dog(Config):
    pet_type: Literal["dog"] = "dog"
    barks: float


class House(Config):
    pet: Union[Cat, Dog] = Field(discriminator="pet_type")
    n: int = 1


@op
def describe(config: House):
    pet = config.pet
    return [pet.pet_type, getattr(pet, "meows", None), getattr(pet, "barks", None), config.n]


@job
def houses():
    describe()


defs = Definitions(jobs=[houses])


def test_both():
    result = houses.execute_in_process(run_config=RunConfig(ops={"describe": House(pet=Cat(meows=3))}))
    assert result.output_for_node("describe") == ["cat", 3, None, 1]
    result = houses.execute_in_process(
        run_config={"ops": {"describe": {"config": {"pet": {"dog": {"barks": 2.5}}, "n": 2}}}}
    )
    assert result.output_for_node("describe") == ["dog", None, 2.5, 2]
