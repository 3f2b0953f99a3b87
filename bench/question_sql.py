"""The nine questions, and questions of one address, as one would write them over AWS's Parquet.

Shape: a question's statements, in plain DuckDB SQL over the view ``r``; what they leave out of
vpcflow's answer (the interface's own address, gaps of coverage) is work that DuckDB is spared.
"""

from __future__ import annotations

LIMIT = 10
OVERVIEW_LIMIT = 5

_ENDS = """
    SELECT srcaddr AS address, bytes, packets, action, true AS sent FROM r WHERE srcaddr IS NOT NULL
    UNION ALL
    SELECT dstaddr, bytes, packets, action, false FROM r WHERE dstaddr IS NOT NULL
"""


def talkers(limit: int = LIMIT) -> str:
    """Addresses by bytes, as either end."""
    return f"""
        SELECT address, sum(bytes) AS bytes, sum(packets) AS packets, count(*) AS records,
               sum(bytes) FILTER (sent) AS bytes_sent, sum(bytes) FILTER (NOT sent) AS bytes_received,
               count(*) FILTER (action = 'REJECT') AS rejected
        FROM ({_ENDS}) GROUP BY address ORDER BY bytes DESC, address LIMIT {limit}"""


def pairs(limit: int = LIMIT) -> str:
    """Pairs of addresses without order."""
    return f"""
        SELECT least(srcaddr, dstaddr) AS a, greatest(srcaddr, dstaddr) AS b, sum(bytes) AS bytes,
               sum(packets) AS packets, count(*) AS records,
               sum(bytes) FILTER (srcaddr <= dstaddr) AS bytes_a_to_b,
               sum(bytes) FILTER (srcaddr > dstaddr) AS bytes_b_to_a,
               count(*) FILTER (action = 'REJECT') AS rejected
        FROM r WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL
        GROUP BY 1, 2 ORDER BY bytes DESC, a, b LIMIT {limit}"""


def ports(limit: int = LIMIT) -> str:
    """Services by protocol and lower port."""
    return f"""
        SELECT protocol, least(srcport, dstport) AS port, sum(bytes) AS bytes,
               sum(packets) AS packets, count(*) AS records,
               count(*) FILTER (action = 'REJECT') AS rejected
        FROM r WHERE protocol IS NOT NULL GROUP BY 1, 2 ORDER BY bytes DESC, 1, 2 LIMIT {limit}"""


def rejects(limit: int = LIMIT) -> str:
    """Refused records by port, with how many sources and the busiest one."""
    return f"""
        WITH couples AS (
            SELECT protocol, dstport, srcaddr, count(*) AS n, sum(bytes) AS bytes,
                   sum(packets) AS packets, min(start) AS first_seen, max(start) AS last_seen
            FROM r WHERE action = 'REJECT' GROUP BY 1, 2, 3)
        SELECT protocol, dstport AS port, sum(n) AS records, sum(packets) AS packets,
               sum(bytes) AS bytes, count(*) AS sources, arg_max(srcaddr, n) AS top_source,
               min(first_seen) AS first_seen, max(last_seen) AS last_seen
        FROM couples GROUP BY 1, 2 ORDER BY records DESC, 1, 2 LIMIT {limit}"""


def series() -> str:
    """Sums by hour."""
    return """
        SELECT start - start % 3600 AS time, sum(bytes) AS bytes, sum(packets) AS packets,
               count(*) AS records, count(*) FILTER (action = 'REJECT') AS rejected
        FROM r GROUP BY 1 ORDER BY 1"""


def flows(condition: str = "true", limit: int = 100) -> str:
    """The newest records."""
    return f"""
        SELECT start, "end", srcaddr, srcport, dstaddr, dstport, protocol, packets, bytes, action,
               interface_id
        FROM r WHERE {condition} ORDER BY start DESC NULLS LAST LIMIT {limit}"""


def interfaces(limit: int = LIMIT) -> str:
    """Totals of each interface."""
    return f"""
        SELECT account_id, interface_id, sum(bytes) AS bytes, sum(packets) AS packets,
               count(*) AS records, count(*) FILTER (action = 'REJECT') AS rejected,
               min(start) AS first, max(start) AS last
        FROM r GROUP BY 1, 2 ORDER BY bytes DESC, 1, 2 LIMIT {limit}"""


def coverage() -> str:
    """Minutes seen of those expected; a record of this sample touches two minutes at most."""
    return """
        WITH minutes AS (
            SELECT DISTINCT interface_id, start // 60 AS minute FROM r
            UNION SELECT DISTINCT interface_id, "end" // 60 FROM r),
        counted AS (
            SELECT interface_id, count(*) AS seen, max(minute) - min(minute) + 1 AS expected
            FROM minutes GROUP BY 1),
        statuses AS (
            SELECT interface_id, count(*) AS records,
                   count(*) FILTER (log_status = 'NODATA') AS nodata,
                   count(*) FILTER (log_status = 'SKIPDATA') AS skipdata FROM r GROUP BY 1)
        SELECT * FROM counted JOIN statuses USING (interface_id)
        ORDER BY seen / expected, interface_id"""


def totals() -> str:
    """The first lines of overview."""
    return """
        SELECT sum(bytes) AS bytes, sum(packets) AS packets, count(*) AS records,
               count(*) FILTER (action = 'REJECT') AS rejected,
               count(DISTINCT interface_id) AS interfaces,
               count(*) FILTER (log_status = 'NODATA') AS nodata,
               count(*) FILTER (log_status = 'SKIPDATA') AS skipdata,
               min(start) AS first, max(start) AS last FROM r"""


def overview() -> list[str]:
    """All sections of the page."""
    actions = """SELECT action, sum(bytes) AS bytes, sum(packets) AS packets, count(*) AS records
                 FROM r GROUP BY 1"""
    few = OVERVIEW_LIMIT
    sections = [talkers(few), pairs(few), rejects(few), interfaces(few)]
    return [totals(), actions, series(), *sections, coverage()]


def of_address(address: str) -> str:
    """The condition for one address at either end."""
    return f"srcaddr = '{address}' OR dstaddr = '{address}'"


def of_range(prefix: str, first: int, last: int) -> str:
    """The condition for addresses prefix.first.x to prefix.last.x, without an extension."""
    ends = [
        f"({end} LIKE '{prefix}.%' AND "
        f"TRY_CAST(split_part({end}, '.', 3) AS INT) BETWEEN {first} AND {last})"
        for end in ("srcaddr", "dstaddr")
    ]
    return " OR ".join(ends)


def nine() -> dict[str, list[str]]:
    """Every built-in question's statements, by its name."""
    return {
        "overview": overview(),
        "talkers": [talkers()],
        "pairs": [pairs()],
        "ports": [ports()],
        "rejects": [rejects()],
        "series": [series()],
        "flows": [flows()],
        "interfaces": [interfaces()],
        "coverage": [coverage()],
    }
