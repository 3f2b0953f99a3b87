"""Aim: whatever botocore signs is believed, and nothing else is. Method: botocore's own signers over
made-up requests, then one byte changed somewhere.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.signature import Verifier, peek_scope
from vpcflow.api.aws.signature.canonical import normalised
from vpcflow.base.clock import SystemClock
from vpcflow.base.errors import ServiceError
from vpcflow.control.identity import issue_temporary_key, seed_root_key
from vpcflow.control.state import Database, State

ACCOUNT = "123456789012"
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
HOST = "127.0.0.1:4566"
#: By the signer's name: whether it is S3's, and whether it makes links.
SIGNERS = {
    "SigV4Auth": (False, False),
    "S3SigV4Auth": (True, False),
    "SigV4QueryAuth": (False, True),
    "S3SigV4QueryAuth": (True, True),
    "HmacV1QueryAuth": (True, True),
}
FORMS = pytest.mark.parametrize("signer", sorted(SIGNERS))
SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Verifier, Any]]:
    folder: Path = tmp_path_factory.mktemp("state")
    database = Database.in_folder(folder)
    state = State(database)
    seed_root_key(state, ACCOUNT, KEY, SECRET)
    clock = SystemClock()
    with state.change() as change:
        temporary = issue_temporary_key(change, ACCOUNT, clock.now_s(), 3600)
    yield Verifier(state, clock, account_id=ACCOUNT, default_region="us-east-1"), temporary
    database.close()


_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc"), max_codepoint=0x2FFF), max_size=12)
_NAMES = st.text(string.ascii_letters + string.digits + "-._ /é", min_size=1, max_size=8)
_PARAMETERS = st.lists(st.tuples(_NAMES, _TEXT), max_size=5)
_PATHS = st.lists(st.text("ab .~+=@éß日%", max_size=5), max_size=4).map(
    lambda parts: "/" + quote("/".join(parts), safe="/-_.~")
)
_HEADERS = st.dictionaries(
    st.sampled_from(["x-amz-meta-a", "x-amz-tagging", "content-type", "x-other"]),
    st.text(string.ascii_letters + "  \t,;=/é日", max_size=20).map(str.strip),
    max_size=3,
)
_REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
        "path": _PATHS,
        "parameters": _PARAMETERS,
        "headers": _HEADERS,
        "body": st.binary(max_size=30),
        "temporary": st.booleans(),
        "utf8": st.booleans(),
    }
)


def signed(signer: str, made: dict[str, Any], temporary: Any) -> RawRequest:
    """A request as botocore signs it and as the wire brings it."""
    s3, link = SIGNERS[signer]
    query = "&".join(
        f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in made["parameters"]
    )
    url = f"http://{HOST}{made['path']}" + (f"?{query}" if query else "")
    request = AWSRequest(
        made["method"], url, {**made["headers"], "Host": HOST}, b"" if link else made["body"]
    )
    credentials = (
        Credentials(temporary.key_id, temporary.secret, temporary.token)
        if made["temporary"]
        else Credentials(KEY, SECRET)
    )
    kind: Any = getattr(botocore.auth, signer)
    auth = (
        kind(credentials)
        if signer == "HmacV1QueryAuth"
        else kind(credentials, "s3" if s3 else "ec2", "eu-west-1")
    )
    auth.add_auth(request)
    parts = urlsplit(request.url)
    headers = []
    for name, value in request.headers.items():
        text = value.decode() if isinstance(value, bytes) else value
        moved = signer == "HmacV1QueryAuth" and (
            name.lower().startswith("x-amz-") or name.lower() in ("date", "content-type")
        )
        if not moved:
            # Letters beyond ASCII are on the wire as UTF-8 or as Latin-1, and are read as Latin-1.
            wire = text.encode("utf-8" if made["utf8"] else "latin-1")
            headers.append((name.lower(), wire.decode("latin-1")))
    return RawRequest(
        made["method"], parts.path, parts.query, headers, b"" if link else made["body"]
    )


def service_of(signer: str) -> str:
    return "s3" if SIGNERS[signer][0] else "ec2"


def _possible(signer: str, made: dict[str, Any]) -> None:
    texts = list(made["headers"].values())
    if not made["utf8"]:
        assume(all(ord(letter) < 256 for text in texts for letter in text))
    if signer in ("SigV4QueryAuth", "S3SigV4QueryAuth"):
        # Its signer drops doubles; Amazon's own headers would have to be sent along signed.
        names = [name for name, _ in made["parameters"]]
        assume(len(set(names)) == len(names))
    if signer == "HmacV1QueryAuth":
        # Signed as S3's names; percent signs of a name are read as they stand.
        assume(all(text.isascii() and "  " not in text and "\t" not in text for text in texts))


@FORMS
@SLOW
@given(made=_REQUESTS)
def test_what_botocore_signs_is_believed(place: Any, signer: str, made: dict[str, Any]) -> None:
    verifier, temporary = place
    _possible(signer, made)
    raw = signed(signer, made, temporary)
    verified = verifier.verify(raw, service_of(signer))
    assert verified.caller.account_id == ACCOUNT
    assert verified.caller.is_root
    expected = ("s3", "") if signer == "HmacV1QueryAuth" else (service_of(signer), "eu-west-1")
    assert peek_scope(raw) == expected


def _meaning(raw: RawRequest, s3: bool) -> Any:
    """What handlers see of a request."""
    pairs = sorted(
        tuple(unquote_plus(side) for side in (pair.partition("=")[0], pair.partition("=")[2]))
        for pair in raw.query.split("&")
    )
    path = unquote_plus(raw.path.replace("+", "%2B")) if s3 else normalised(raw.path)
    headers = [(name, " ".join(value.split())) for name, value in raw.headers]
    return raw.method, path, pairs, headers, raw.body


def _changed(text: str, at: int, letter: str) -> str:
    at %= len(text)
    return text[:at] + letter + text[at + 1 :]


@FORMS
@SLOW
@given(
    made=_REQUESTS,
    where=st.sampled_from(["method", "path", "query", "header", "body", "signature"]),
    at=st.integers(0, 10_000),
    letter=st.sampled_from(string.ascii_letters + string.digits + "-_.~"),
)
def test_one_changed_byte_is_not_believed(
    place: Any, signer: str, made: dict[str, Any], where: str, at: int, letter: str
) -> None:
    verifier, temporary = place
    _possible(signer, made)
    raw = signed(signer, made, temporary)
    s3, link = SIGNERS[signer]
    old = signer == "HmacV1QueryAuth"
    if where == "method":
        changed = replace(raw, method=_changed(raw.method, at, letter.upper()))
    elif where == "path":
        changed = replace(raw, path="/" + _changed(raw.path + "/x", at, letter)[1:])
    elif where == "query":
        assume(raw.query and not old)
        changed = replace(raw, query=_changed(raw.query, at, letter))
    elif where == "body":
        assume(raw.body and not link)
        body = bytearray(raw.body)
        body[at % len(body)] ^= 1
        changed = replace(raw, body=bytes(body))
    elif where == "header":
        covered = [
            index
            for index, (name, value) in enumerate(raw.headers)
            if value and name not in ("authorization", "x-amz-content-sha256")
        ]
        assume(covered and not old)
        index = covered[at % len(covered)]
        name, value = raw.headers[index]
        headers = list(raw.headers)
        headers[index] = (name, _changed(value, at, letter))
        changed = replace(raw, headers=headers)
    else:
        changed = _with_other_signature(raw, old, at)
    assume(_meaning(changed, s3) != _meaning(raw, s3))
    with pytest.raises(ServiceError) as refused:
        verifier.verify(changed, service_of(signer))
    assert 400 <= refused.value.status < 500


def _with_other_signature(raw: RawRequest, old: bool, at: int) -> RawRequest:
    def other(text: str, mark: str) -> str:
        start = text.index(mark) + len(mark)
        position = start + at % (20 if old else 64)
        letter = "a" if text[position] != "a" else "b"
        return text[:position] + letter + text[position + 1 :]

    header = raw.header("authorization")
    if header is None:
        return (
            replace(raw, query=other(raw.query, "&Signature=" if old else "X-Amz-Signature="))
            if not raw.query.startswith("Signature=")
            else replace(raw, query="x" + raw.query)
        )
    headers = [
        (name, other(value, "Signature=") if name == "authorization" else value)
        for name, value in raw.headers
    ]
    return replace(raw, headers=headers)
