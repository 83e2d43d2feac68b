from unittest.mock import MagicMock, Mock

from dagster import (
    AssetExecutionContext,
    AssetKey,
    ConfigurableResource,
    Definitions,
    EnvVar,
    IOManager,
    SourceAsset,
    asset,
    job,
    materialize,
    materialize_to_memory,
    mem_io_manager,
    op,
    io_manager,
)


class Weather(ConfigurableResource):
    token: str

    def temperature(self, city: str) -> float:
        raise RuntimeError("would call the service")


external = SourceAsset("station_list")


@asset
def temperatures(weather: Weather) -> dict:
    return {city: weather.temperature(city) for city in ("oslo", "rome")}


@asset
def warmest(temperatures: dict) -> str:
    return max(temperatures, key=temperatures.get)


@asset
def stations(station_list):
    return len(station_list)


defs = Definitions(
    assets=[temperatures, warmest, stations, external],
    resources={"weather": Weather(token=EnvVar("CONFORMANCE_TOKEN_NOT_SET"))},
)


class FakeStations(IOManager):
    def handle_output(self, context, obj): ...

    def load_input(self, context):
        return ["a", "b", "c"]


def test_mocked_resource():
    mock = MagicMock()
    mock.temperature.side_effect = lambda city: {"oslo": 3.0, "rome": 21.0}[city]
    result = materialize([temperatures, warmest], resources={"weather": mock})
    assert result.output_for_node("warmest") == "rome"
    assert mock.temperature.call_count == 2


def test_direct_with_mock():
    mock = Mock()
    mock.temperature.return_value = 1.0
    assert temperatures(weather=mock) == {"oslo": 1.0, "rome": 1.0}


def test_source_asset_loading():
    result = (
        materialize_to_memory([stations, external], resources={"io_manager": FakeStations()})
        if False
        else materialize([stations, external], resources={"io_manager": FakeStations()})
    )
    assert result.output_for_node("stations") == 3 or result.success


def test_asset_instead_of_source():
    @asset(key="station_list")
    def fake_list():
        return ["x"]

    assert materialize_to_memory([fake_list, stations]).output_for_node("stations") == 1
