"""What is hidden and what is not."""

from __future__ import annotations

import pytest

from tidewheel.logic.access.masking import MASK, KnownSecrets, looks_secret, mask_text, masked

NONE = KnownSecrets()


@pytest.mark.parametrize(
    "name",
    [
        "password", "db_password", "PASSWORD", "apiKey", "api_key", "API-KEY", "secret", "client_secret",
        "clientSecret", "token", "github_token", "accessKey", "aws_secret_access_key", "private_key", "credentials",
        "Authorization", "cookie", "passwd", "passphrase", "token2", "dsn",
    ],
)  # fmt: skip
def test_names_that_look_secret(name):
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer",
        "passenger",
        "bypass_rate",
        "secretary",
        "key",
        "keys",
        "partition_key",
        "compass",
        "monkey",
    ],
)
def test_names_that_do_not(name):
    assert not looks_secret(name)


def test_values_under_secret_names_are_masked_at_any_depth():
    config = {"resources": {"db": {"config": {"password": "p", "user": "u", "keys": [{"apiKey": {"a": 1}}]}}}}
    shown = masked(config, NONE)
    assert shown == {
        "resources": {"db": {"config": {"password": MASK, "user": "u", "keys": [{"apiKey": MASK}]}}}
    }
    assert config["resources"]["db"]["config"]["password"] == "p"


def test_the_name_of_a_variable_is_no_secret():
    assert masked({"password": {"env": "DB_PASSWORD"}}, NONE) == {"password": {"env": "DB_PASSWORD"}}


@pytest.mark.parametrize(
    "text, shown",
    [
        ("postgresql://ana:s3cret@db/x", f"postgresql://ana:{MASK}@db/x"),
        ("see http://localhost:3000/a", "see http://localhost:3000/a"),
        ("authorization: Bearer abcdefghijk.lmn", f"authorization: Bearer {MASK}"),
        ("tw_0123456789ab_" + "x" * 43, f"tw_{MASK}"),
    ],
)
def test_texts(text, shown):
    assert mask_text(text, NONE) == shown


def test_data_without_end_is_cut():
    deep = {}
    here = deep
    for _ in range(500):
        here["a"] = {}
        here = here["a"]
    assert MASK in str(masked(deep, NONE))
