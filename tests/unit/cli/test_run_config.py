"""Run config on the command line."""

import pytest

from tidewheel.cli.launching import parse_config
from tidewheel.errors import InvalidInvocationError


def test_json_in_place_of_a_files_name_is_led_to_its_option():
    with pytest.raises(InvalidInvocationError, match="--config-json"):
        parse_config(('{"ops": {}}',), None)


def test_later_parts_add_to_earlier_ones(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("ops: {a: {config: {n: 1}}}")
    found = parse_config((str(file),), '{"ops": {"a": {"config": {"m": 2}}}}')
    assert found == {"ops": {"a": {"config": {"n": 1, "m": 2}}}}
