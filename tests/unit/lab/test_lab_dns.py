"""Aim: the lab's DNS server answers its names, and outlives whatever else it is sent."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from vpcflow.lab.testbed.dns_service import TYPE_A, TYPE_AAAA, answer_query, query_message
from vpcflow.lab.testbed.topology import DNS_DOMAIN, HOSTS

_OK, _FORMAT_ERROR, _NO_SUCH_NAME = 0, 1, 3


def _facts(answer: bytes | None) -> tuple[int, int, int]:
    assert answer is not None
    query_id, flags, _, answers = struct.unpack_from("!HHHH", answer)
    return query_id, flags & 0xF, answers


def test_names_have_all_their_addresses() -> None:
    for host in HOSTS.values():
        name = f"{host.name}.{DNS_DOMAIN}"
        answer = answer_query(query_message(77, name, TYPE_A))
        assert _facts(answer) == (77, _OK, len(host.ipv4))
        assert answer is not None
        assert all(address.packed in answer for address in host.ipv4)
        answer6 = answer_query(query_message(78, name.upper(), TYPE_AAAA))
        assert _facts(answer6) == (78, _OK, len(host.ipv6))
        assert answer6 is not None
        assert all(address.packed in answer6 for address in host.ipv6)


def test_other_names_do_not_exist_and_other_types_have_no_answer() -> None:
    assert _facts(answer_query(query_message(1, "web.example", TYPE_A))) == (1, _NO_SUCH_NAME, 0)
    assert _facts(answer_query(query_message(2, "web", TYPE_A))) == (2, _NO_SUCH_NAME, 0)
    assert _facts(answer_query(query_message(3, f"web.{DNS_DOMAIN}", 16))) == (3, _OK, 0)


def test_a_question_that_is_cut_short_is_a_format_error() -> None:
    whole = query_message(9, f"web.{DNS_DOMAIN}", TYPE_A)
    for length in range(12, len(whole)):
        assert _facts(answer_query(whole[:length])) == (9, _FORMAT_ERROR, 0)
    assert answer_query(whole[:11]) is None


@given(st.binary(max_size=300))
def test_nothing_that_is_sent_raises(data: bytes) -> None:
    answer = answer_query(data)
    assert answer is None or answer[:2] == data[:2]
