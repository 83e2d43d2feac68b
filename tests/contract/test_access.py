"""Users, tokens, sessions, idempotent answers and the audit, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from tidewheel.storage.tables.access import audit
from tidewheel.values.access import Grant, NewAudit, Role, SessionRecord, TokenRecord, UserRecord

ANA = UserRecord(name="ana", grants=(Grant(role=Role.ADMIN),), created_at=1.0, password_hash="h")
SAM = UserRecord(
    name="sam", grants=(Grant(role=Role.VIEWER, groups=("a",)),), created_at=2.0, oidc_subject="issuer|1"
)


def test_users_are_kept_by_name_and_subject(ledger):
    access = ledger.access
    assert not access.get_is_set_up()
    assert access.add_user(SAM) and access.add_user(ANA)
    assert access.get_is_set_up()
    assert access.get_users() == [ANA, SAM]
    assert access.get_user("ana") == ANA and access.get_user("bo") is None
    assert access.get_user_of_subject("issuer|1") == SAM and access.get_user_of_subject("x") is None


def test_a_name_or_subject_that_is_taken_is_refused(ledger):
    ledger.access.add_user(SAM)
    assert not ledger.access.add_user(replace(SAM, oidc_subject=None, grants=()))
    assert not ledger.access.add_user(replace(SAM, name="other"))
    assert ledger.access.get_users() == [SAM]


def test_disabled_users_do_not_count_as_set_up(ledger):
    ledger.access.add_user(ANA)
    ledger.access.put_user(replace(ANA, disabled_at=5.0))
    assert ledger.access.get_user("ana").disabled_at == 5.0
    assert not ledger.access.get_is_set_up()


def test_tokens_are_kept_and_their_last_use_survives_changes(ledger):
    token = TokenRecord(token_id="t1", user="ana", digest=b"\x00\xff", label="ci", created_at=1.0)
    other = replace(token, token_id="t2", user="sam", created_at=2.0, limits=(Grant(role=Role.VIEWER),))
    ledger.access.add_token(other)
    ledger.access.add_token(token)
    ledger.access.note_token_used("t1", now=9.0)
    ledger.access.put_token(replace(token, revoked_at=10.0))
    assert ledger.access.get_token("t1") == replace(token, revoked_at=10.0, last_used_at=9.0)
    assert ledger.access.get_token("t3") is None
    assert [t.token_id for t in ledger.access.get_tokens()] == ["t1", "t2"]
    assert ledger.access.get_tokens("sam") == [other]


def test_sessions_end_and_expired_ones_are_forgotten(ledger):
    first = SessionRecord(digest=b"1" * 32, user="ana", generation=1, created_at=1.0, expires_at=5.0)
    second = SessionRecord(digest=b"2" * 32, user="ana", generation=1, created_at=4.0, expires_at=9.0)
    third = SessionRecord(digest=b"3" * 32, user="ana", generation=1, created_at=5.0, expires_at=9.0)
    for session in (first, second):
        ledger.access.add_session(session)
    assert ledger.access.get_session(first.digest) == first
    ledger.access.add_session(third)
    assert ledger.access.get_session(first.digest) is None
    ledger.access.end_session(second.digest)
    assert ledger.access.get_session(second.digest) is None
    assert ledger.access.get_session(third.digest) == third


def test_failed_logins_are_counted_by_subject_and_forgotten(ledger):
    access = ledger.access
    access.add_login_failures(["name:ana", "address:1.2.3.4"], now=1.0, forget_before=0.0)
    access.add_login_failures(["name:ana"], now=2.0, forget_before=0.0)
    assert access.get_login_failures("name:ana", since=0.0) == [1.0, 2.0]
    assert access.get_login_failures("name:ana", since=1.5) == [2.0]
    access.add_login_failures(["name:sam"], now=3.0, forget_before=2.0)
    assert access.get_login_failures("address:1.2.3.4", since=0.0) == []
    access.forget_login_failures("name:ana")
    assert access.get_login_failures("name:ana", since=0.0) == []
    assert access.get_login_failures("name:sam", since=0.0) == [3.0]


def test_a_key_is_claimed_once_and_its_answer_is_kept(ledger):
    access = ledger.access
    assert access.claim_answer("ana", "k", b"f", now=1.0, forget_before=0.0) is None
    running = access.claim_answer("ana", "k", b"other", now=2.0, forget_before=0.0)
    assert (running.fingerprint, running.status) == (b"f", None)
    access.put_answer("ana", "k", status=201, body=b"{}")
    done = access.claim_answer("ana", "k", b"f", now=2.0, forget_before=0.0)
    assert (done.status, done.body, done.created_at) == (201, b"{}", 1.0)
    assert access.claim_answer("sam", "k", b"f", now=2.0, forget_before=0.0) is None
    access.drop_answer("sam", "k")
    assert access.claim_answer("sam", "k", b"g", now=2.0, forget_before=0.0) is None
    assert access.claim_answer("ana", "k", b"f", now=3.0, forget_before=1.5) is None


def entry(number: int, **more) -> NewAudit:
    return NewAudit(
        at=float(number), user="ana", via="token", operation="wipe_assets", what={"n": number}, **more
    )


def test_the_audit_is_read_newest_first_by_page_and_filter(ledger):
    ids = ledger.audit.add([entry(n) for n in range(5)])
    ledger.audit.add([replace(entry(5), user="sam", outcome="refused", before={"a": 1}, after={"a": [2]})])
    assert ids == sorted(ids)
    assert [e.at for e in ledger.audit.get(limit=3)] == [5.0, 4.0, 3.0]
    assert [e.at for e in ledger.audit.get(before_id=ids[2])] == [1.0, 0.0]
    [refused] = ledger.audit.get(outcome="refused")
    assert (refused.user, refused.before, refused.after) == ("sam", {"a": 1}, {"a": [2]})
    assert len(ledger.audit.get(user="ana", operation="wipe_assets")) == 5
    assert ledger.audit.get(operation="nothing") == []


@pytest.mark.parametrize(
    "statement", [audit.update().values(user="nobody"), audit.delete(), sa.text("UPDATE audit SET at = 0")]
)
def test_the_database_refuses_to_change_the_audit(ledger, statement):
    ledger.audit.add([entry(1)])
    with pytest.raises(sa.exc.DatabaseError, match="never changed"), ledger.backend.write() as conn:
        conn.execute(statement)
    assert [e.what for e in ledger.audit.get()] == [{"n": 1}]
