"""Each scheme: the genuine request, and every way of not being one."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.logic.graph.specs import HookSpec, SecretRef
from tidewheel.logic.hooks.signatures import SCHEMES, signature, verify

NOW = 1_700_000_000.0
SECRET = b"It's a Secret to Everybody"
BODY = b'{"id": "evt_1", "event_id": "Ev1", "n": 1}'


def spec(scheme, **more):
    return HookSpec(hook="h", scheme=scheme, secrets=(SecretRef(env="S"),), **more)


def mac(secret, message):
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def genuine(scheme, body=BODY, secret=SECRET, at=NOW):
    """A hook's spec and the headers of a genuine request."""
    moment = str(int(at))
    stamped = moment.encode() + b"." + body
    return {
        "github": (
            spec("github"),
            {"x-hub-signature-256": f"sha256={mac(secret, body)}", "x-github-delivery": "guid"},
        ),
        "stripe": (spec("stripe"), {"stripe-signature": f"t={moment},v1={mac(secret, stamped)},v0=old"}),
        "slack": (
            spec("slack"),
            {
                "x-slack-request-timestamp": moment,
                "x-slack-signature": "v0=" + mac(secret, b"v0:" + moment.encode() + b":" + body),
            },
        ),
        "signed": (
            spec("signed", header="X-Sig", timestamp_header="X-At", id_header="X-Id"),
            {"x-sig": mac(secret, stamped), "x-at": moment, "x-id": "own"},
        ),
        "shared_secret": (
            spec("shared_secret", header="X-Secret", id_header="X-Id"),
            {"x-secret": secret.decode(), "x-id": "own"},
        ),
    }[scheme]


ALL = sorted(SCHEMES - {"open"})
STAMPED = ["signed", "slack", "stripe"]
IDS = {"github": "guid", "stripe": "evt_1", "slack": "Ev1", "shared_secret": "own"}


@pytest.mark.parametrize("scheme", ALL)
def test_a_genuine_request_is_accepted_with_its_delivery_id(scheme):
    hook, headers = genuine(scheme)
    verdict = verify(hook, [SECRET], headers, BODY, NOW)
    assert verdict.problem is None
    if scheme in IDS:
        assert verdict.delivery_id == IDS[scheme]


def test_where_a_moment_is_signed_an_unsigned_id_makes_no_other_delivery_of_a_request():
    hook, headers = genuine("signed")
    first = verify(hook, [SECRET], headers, BODY, NOW)
    again = verify(hook, [SECRET], headers | {"x-id": "another"}, BODY, NOW)
    assert (again.problem, again.delivery_id) == (None, first.delivery_id)
    later, other = genuine("signed", at=NOW + 1)
    assert verify(later, [SECRET], other, BODY, NOW).delivery_id != first.delivery_id


def test_githubs_own_example():
    # from GitHub's documentation of validating deliveries
    headers = {
        "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    }
    assert verify(spec("github"), [SECRET], headers, b"Hello, World!", NOW).problem is None


def test_slacks_own_example():
    # from Slack's documentation of verifying requests
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
        b"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    secret = b"8f742231b10e8888abcd99yyyzzz85a5"
    assert verify(spec("slack"), [secret], headers, body, 1531420618.0).problem is None


@pytest.mark.parametrize("scheme", ALL)
def test_another_secret_is_refused_and_any_of_several_counts(scheme):
    hook, headers = genuine(scheme)
    assert verify(hook, [b"other"], headers, BODY, NOW).problem
    assert verify(hook, [b"other", SECRET], headers, BODY, NOW).problem is None
    assert verify(hook, [], headers, BODY, NOW).problem == "no secret"


@pytest.mark.parametrize("scheme", [one for one in ALL if one != "shared_secret"])
def test_another_body_is_refused(scheme):
    hook, headers = genuine(scheme)
    assert verify(hook, [SECRET], headers, BODY + b" ", NOW).problem


@pytest.mark.parametrize("scheme", ALL)
def test_missing_headers_are_refused(scheme):
    hook, headers = genuine(scheme)
    assert verify(hook, [SECRET], {}, BODY, NOW).problem
    for name in headers:
        left = {key: value for key, value in headers.items() if key != name}
        optional = name in ("x-github-delivery", "x-id")
        assert (verify(hook, [SECRET], left, BODY, NOW).problem is None) == optional


@pytest.mark.parametrize("scheme", STAMPED)
@pytest.mark.parametrize(
    ("late_s", "accepted"), [(0, True), (299, True), (301, False), (-299, True), (-301, False)]
)
def test_a_signed_moment_outside_the_window_is_refused(scheme, late_s, accepted):
    hook, headers = genuine(scheme)
    assert (verify(hook, [SECRET], headers, BODY, NOW + late_s).problem is None) == accepted


@pytest.mark.parametrize("scheme", STAMPED)
def test_the_same_signed_request_without_an_id_has_always_the_same_one(scheme):
    body = b"no json"
    hook, headers = genuine(scheme, body)
    headers.pop("x-id", None)
    first = verify(hook, [SECRET], headers, body, NOW).delivery_id
    assert first == verify(hook, [SECRET], headers, body, NOW + 9).delivery_id
    later_hook, later = genuine(scheme, body, at=NOW + 5)
    later.pop("x-id", None)
    assert first != verify(later_hook, [SECRET], later, body, NOW + 9).delivery_id


@pytest.mark.parametrize("moment", ["", "abc", "1e9", "-5", "9" * 400, "١٢٣"])
def test_strange_moments_are_refused(moment):
    hook, _ = genuine("signed")
    headers = {"x-at": moment, "x-sig": mac(SECRET, moment.encode() + b"." + BODY)}
    assert verify(hook, [SECRET], headers, BODY, NOW).problem


def test_slacks_check_of_the_address_is_answered_only_when_it_is_signed():
    body = b'{"type": "url_verification", "challenge": "say this"}'
    hook, headers = genuine("slack", body)
    assert verify(hook, [SECRET], headers, body, NOW).challenge == "say this"
    assert verify(hook, [b"other"], headers, body, NOW).challenge is None


def test_an_open_hook_takes_everything():
    hook = HookSpec(hook="h", scheme="open", id_header="X-Id")
    assert verify(hook, [], {}, b"", NOW).problem is None
    assert (
        verify(hook, [], {"x-id": "a" * 500}, b"", NOW).delivery_id == hashlib.sha256(b"a" * 500).hexdigest()
    )


@given(
    scheme=st.sampled_from(ALL),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "x-hub-signature-256",
                "stripe-signature",
                "x-slack-signature",
                "x-slack-request-timestamp",
                "x-sig",
            ]
        ),
        st.text("v0=sha256,t1é ", max_size=40)
        | st.binary(max_size=30).map(lambda data: base64.b64encode(data).decode()),
    ),
    body=st.binary(max_size=50),
)
def test_nothing_that_is_made_up_is_accepted_and_nothing_raises(scheme, headers, body):
    hook, _ = genuine(scheme)
    assert verify(hook, [SECRET], headers, body, NOW).problem is not None


def test_signature_is_hmac_sha256():
    assert signature(b"k", b"m") == mac(b"k", b"m")
