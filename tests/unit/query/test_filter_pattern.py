"""Aim: filter patterns mean what CloudWatch Logs documents.

Method: documented patterns and events as tables; Hypothesis for the printer, for terms against a
naive model, for many messages at once against one by one, and for text that is no pattern.
"""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.base.errors import FilterError
from vpcflow.query.filter_pattern import mask, matcher, numbers_at, parse_pattern, texts_at
from vpcflow.query.filter_pattern.tree import (
    All,
    Any,
    Comparison,
    Condition,
    Is,
    Json,
    Member,
    NotExists,
    Number,
    Regex,
    Selector,
    Sign,
    Slot,
    Slots,
    Term,
    Terms,
    Text,
)
from vpcflow.query.filter_pattern.values import fit_column, fits_text

SSH_REJECT = (
    '[version, account, eni, source, destination, srcport, destport="22", protocol="6", packets, '
    'bytes, windowstart, windowend, action="REJECT", flowlogstatus]'
)
NAMES = (
    "[version, accountid, interfaceid, srcaddr{}, dstaddr, srcport, dstport{}, protocol, packets, "
    "bytes{}, start, end, action{}, logstatus]"
)
REJECTED = (
    "2 123456789010 eni-1235b8ca123456789 10.0.2.139 172.31.16.21 20641 22 6 20 4249"
    " 1418530010 1418530070 REJECT OK"
)
ACCEPTED = REJECTED.replace("REJECT", "ACCEPT")
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
TRAIL = (
    '{"eventType": "UpdateTrail", "sourceIPAddress": "111.111.111.111", "arrayKey": ["value", '
    '"another value"], "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], '
    '"SomeObject": null, "ThisFlag": true, "bandwidth": 4.5e3, "code": 404, "odd.name": "x"}'
)


def fits(pattern: str, message: str) -> bool:
    one = matcher(pattern).matches(message) is not None
    assert mask(pattern, pa.array([message, None, message])).to_pylist() == [one, False, one]
    return one


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("", "anything", True),
        ("   ", "anything", True),
        ('" "', "anything", True),
        ("Exception", "InvalidQueryException", True),
        ("exception", "InvalidQueryException", False),
        ("ERROR ARGUMENTS", "ERROR 400 INVALID ARGUMENTS", True),
        ("ERROR ARGUMENTS", "ERROR 400", False),
        ('"INTERNAL SERVER"', "INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER"', "INTERNAL  SERVER ERROR", False),
        ("ERROR -ARGUMENTS", "ERROR 400", True),
        ("ERROR -ARGUMENTS", "ERROR ARGUMENTS", False),
        ("-ERROR", "WARN", True),
        ('-"a b"', "a b", False),
        ("?ERROR ?WARN", "WARN", True),
        ("?ERROR ?WARN", "INFO", False),
        ("INFO ?ERROR ?WARN", "INFO", True),
        ("INFO ?ERROR", "ERROR", False),
        ('"a\\"b\\\\"', 'xa"b\\', True),
        ("%AUTHORIZED%", "[UNAUTHORIZED]", True),
        (r"%^\d{3}$%", "123", True),
        (r"%^\d{3}$%", "1234", False),
        (r"%a\x2db%", "a-b", True),
        (r"-%[Ee]rror%", "Error", False),
        (SSH_REJECT, REJECTED, True),
        (SSH_REJECT, ACCEPTED, False),
        (SSH_REJECT, REJECTED + " vpc-1 subnet-1", True),
        (SSH_REJECT, "REJECT 22", False),
        (NAMES.format(" = 10.0.2.*", "", "", ""), REJECTED, True),
        (NAMES.format(" = 10.0.3.*", "", "", ""), REJECTED, False),
        (NAMES.format("", " = 80 || dstport = 8080", "", ""), REJECTED, False),
        (NAMES.format("", " = 80 || dstport = 22", "", ""), REJECTED, True),
        (NAMES.format("", "", " >= 400", ""), REJECTED, True),
        (NAMES.format("", "", " > 0", ""), NODATA, False),
        (NAMES.format("", "", " < 5", ""), NODATA, False),
        (NAMES.format("", "", " != 5", ""), NODATA, False),
        (NAMES.format("", "", '!="5"', ""), NODATA, True),
        (NAMES.format("", "", "", " = REJECT"), REJECTED, True),
        (NAMES.format("", "", "", " = -"), NODATA, True),
        ("[]", "", True),
        ("[...]", "", True),
        ("[a]", "", False),
        ("[w1=ERROR, w2]", "ERROR a b c", True),
        ("[w1!=ERROR && w1!=%WARN%, w2]", "WARNING a", False),
        ("[a, b=c]", "x c", True),
        ("[a, b=c]", "x c d", False),
        ('[a, b="c d"]', "x  c d ", True),
        ("[..., status = 4*, size > 1000]", ACCESS, True),
        ("[ip, ..., status = 5*, size]", ACCESS, False),
        (
            "[ip=%127\\.0\\.0\\.[1-9]%, user, username, timestamp, request=*.html*, code=4*, n]",
            ACCESS,
            True,
        ),
        ("[,,,,,n=404,]", ACCESS, True),
        ("[a=1 || a=2 && a=3]", "1", True),
        ('{ $.eventType = "UpdateTrail" }', TRAIL, True),
        ("{ $.eventType = Update* }", TRAIL, True),
        ("{ $.eventType = %Trail$% }", TRAIL, True),
        ('{ $.sourceIPAddress != "123.123.*" }', TRAIL, True),
        ('{ $.arrayKey[0] = "value" }', TRAIL, True),
        ('{ $.arrayKey[*] = "another value" }', TRAIL, True),
        ("{ $.objectList[1].id = 2 }", TRAIL, True),
        ("{ $.objectList[*].id > 2 }", TRAIL, False),
        ("{ $.SomeObject IS NULL }", TRAIL, True),
        ("{ $.SomeOtherObject NOT EXISTS }", TRAIL, True),
        ("{ $.SomeOtherObject != x }", TRAIL, False),
        ("{ $.objectList != x }", TRAIL, False),
        ("{ $.ThisFlag IS TRUE }", TRAIL, True),
        ("{ $.ThisFlag IS FALSE }", TRAIL, False),
        ("{ $.bandwidth = 4500 }", TRAIL, True),
        ("{ $.bandwidth >= 1e3 && ($.code = 4* || $.code = 500) }", TRAIL, True),
        ("{ $.code = 404 || $.a = 1 && $.b = 2 }", TRAIL, True),
        ("{ $.['odd.name'] = x }", TRAIL, True),
        ("{ $.* = 404 }", TRAIL, True),
        ("{ $.x NOT EXISTS }", "no json", False),
        ("{ $.x NOT EXISTS }", "{broken", False),
    ],
)
def test_a_pattern_fits_what_the_guide_says(pattern: str, message: str, expected: bool) -> None:
    assert fits(pattern, message) is expected


@pytest.mark.parametrize(
    ("pattern", "message", "values"),
    [
        ("[a, ..., b]", "1 2 3 4", {"$a": "1", "$b": "4"}),
        ("[a,,]", "1 2 3 4", {"$a": "1", "$2": "2", "$3": "3 4"}),
        (
            "[ip, identity, user_id, timestamp, request, status_code=404, size]",
            ACCESS,
            {
                "$ip": "127.0.0.1",
                "$identity": "-",
                "$user_id": "frank",
                "$timestamp": "10/Oct/2000:13:25:15 -0700",
                "$request": "GET /index.html HTTP/1.0",
                "$status_code": "404",
                "$size": "1534",
            },
        ),
        (
            "{ $.eventType = * && $.code > 1 }",
            TRAIL,
            {"$.eventType": "UpdateTrail", "$.code": "404"},
        ),
        ("UpdateTrail", TRAIL, {}),
    ],
)
def test_values_are_taken_out(pattern: str, message: str, values: dict[str, str]) -> None:
    found = matcher(pattern).matches(message)
    assert found is not None
    assert found.values == values


def test_values_by_selector() -> None:
    found = matcher(SSH_REJECT).matches(REJECTED)
    assert found is not None
    assert found.value("$bytes") == "4249"
    assert found.value("$10") == "4249"
    assert found.value("$99") is None
    event = matcher("{ $.code = 404 }").matches(TRAIL)
    assert event is not None
    assert event.value("$.bandwidth") == "4500.0"
    assert event.value("$.objectList[0].id") == "1"
    lines = pa.array([REJECTED, NODATA, "x"])
    assert texts_at(SSH_REJECT, "$bytes", lines).to_pylist() == ["4249", "-", None]
    assert numbers_at(SSH_REJECT, "$10", lines).to_pylist() == [4249.0, None, None]
    assert numbers_at("{ $.code = * }", "$.bandwidth", pa.array([TRAIL, ""])).to_pylist() == [
        4500.0,
        None,
    ]


@pytest.mark.parametrize(
    "pattern",
    [
        "%%",
        "%abc",
        "%a(b)%",
        "%é%",
        "%a{1001}%",
        "%*%",
        "%a% %b% %c%",
        '"open',
        'a"b"',
        "- x",
        "?",
        "[a",
        "[a, ..., ...]",
        "[a, a]",
        "[1a]",
        "[a=]",
        '[a=""]',
        "[a=1 &&]",
        "[a=1 && b=2]",
        "[a > x]",
        "[a] b",
        "[a=1,b=2",
        "[a b]",
        "{",
        "{}",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a EXISTS }",
        "{ $.a IS NOT NULL }",
        "{ a = 1 }",
        "{ $ = 1 }",
        "{ $.a[*].b[*] = 1 }",
        "{ $.a[*] = 1 && $.b[*] = 1 && $.c[*] = 1 && $.d[*] = 1 }",
        "{ ($.a = 1 }",
        "{" + "(" * 60 + "$.a = 1" + ")" * 60 + "}",
        "{ $.a = 1 } x",
    ],
)
def test_what_is_no_pattern_is_refused_at_its_place(pattern: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_pattern(pattern)
    assert 0 <= refused.value.position <= len(pattern)


plain_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
texts = st.builds(Text, plain_text.filter(bool))
numbers = st.builds(
    Number, st.from_regex(r"[+-]?[0-9]{1,4}(\.[0-9]{1,3})?(e-?[0-9])?", fullmatch=True)
)
regexes = st.builds(Regex, st.sampled_from([r"\d+", "^a.c$", "[a-c]x", r"a\%b", "a|b"]))
equalities = st.builds(Comparison, st.sampled_from(["=", "!="]), st.one_of(numbers, texts))
orders = st.builds(Comparison, st.sampled_from(["<", "<=", ">", ">="]), numbers)
comparisons = st.one_of(
    equalities, orders, st.builds(Comparison, st.just("="), st.just(Regex(r"\d[a-z]")))
)
alternatives = st.lists(
    st.lists(equalities | orders, min_size=1, max_size=2).map(tuple), max_size=2
).map(tuple)


@st.composite
def slot_patterns(draw: st.DrawFn) -> Slots:
    names = draw(
        st.lists(st.from_regex("[a-z][a-z0-9_]{0,3}", fullmatch=True), unique=True, max_size=5)
    )
    slots = [Slot(name, draw(alternatives)) for name in names]
    if draw(st.booleans()):
        slots.insert(draw(st.integers(0, len(slots))), Slot(rest=True))
    if len(slots) > 1 and draw(st.booleans()):
        slots.append(Slot())
    return Slots(tuple(slots))


steps = st.lists(st.one_of(plain_text, st.integers(0, 99)), min_size=1, max_size=3)
selectors = st.builds(lambda steps: Selector(tuple(steps)), steps)
leaves: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Member, selectors, equalities | orders),
    st.builds(Is, selectors, st.sampled_from(["NULL", "TRUE", "FALSE"])),
    st.builds(NotExists, selectors),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([All, Any]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=6,
)
term_patterns = st.builds(
    lambda terms: Terms(tuple(terms)),
    st.lists(st.builds(Term, st.sampled_from(Sign), texts), min_size=2, max_size=4),
)


@settings(deadline=None)  # the first call loads kernels
@given(st.one_of(term_patterns, slot_patterns(), st.builds(Json, conditions)))
def test_a_pattern_is_printed_as_itself(pattern: Terms | Slots | Json) -> None:
    assert parse_pattern(str(pattern)) == pattern


@settings(deadline=None)  # the first call loads kernels
@given(
    st.one_of(st.text(max_size=30), st.text('[]{}()$.=!<>&|%",?-\\* aA1', max_size=30)),
    st.text(max_size=30),
)
def test_any_text_is_a_pattern_or_refused(pattern: str, message: str) -> None:
    try:
        parse_pattern(pattern)
    except FilterError as refused:
        assert 0 <= refused.position <= len(pattern)
    else:
        fits(pattern, message)


words = st.text("abAB", min_size=1, max_size=2)


@settings(deadline=None)  # the first call loads kernels
@given(
    st.lists(st.tuples(st.sampled_from(["", "?", "-"]), words), min_size=1, max_size=4),
    st.text("abAB ", max_size=8),
)
def test_terms_mean_what_a_naive_reading_says(terms: list[tuple[str, str]], message: str) -> None:
    plain = all(word in message for sign, word in terms if not sign)
    without = all(word not in message for sign, word in terms if sign == "-")
    expected = plain and without
    if all(sign == "?" for sign, _ in terms):
        expected = any(word in message for _, word in terms)
    assert fits(" ".join(sign + word for sign, word in terms), message) is expected


@settings(deadline=None)  # the first call loads kernels
@given(slot_patterns(), st.lists(st.text(' \t"[]ab1.-+e', max_size=16), max_size=6))
def test_many_messages_at_once_fit_as_one_by_one(pattern: Slots, messages: list[str]) -> None:
    one_by_one = [matcher(pattern).matches(message) for message in messages]
    array = pa.array(["x", *messages, "y"], pa.string()).slice(1, len(messages))
    assert mask(pattern, array).to_pylist() == [found is not None for found in one_by_one]
    for position in (1, 2):
        column = texts_at(pattern, f"${position}", array).to_pylist()
        for found, text in zip(one_by_one, column, strict=True):
            if found is not None:
                assert found.value(f"${position}") == text


@settings(deadline=None)  # the first call loads kernels
@given(
    comparisons, st.lists(st.one_of(st.text(max_size=6), st.text("0123456789.+-e", max_size=24)))
)
def test_a_column_fits_as_its_texts_do(comparison: Comparison, column: list[str]) -> None:
    assert fit_column(pa.array(column, pa.string()), comparison).to_pylist() == [
        fits_text(text, comparison) for text in column
    ]
