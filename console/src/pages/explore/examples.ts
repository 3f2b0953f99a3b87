export interface Example {
  title: string;
  sql: string;
}

/** Queries to begin with; each runs on any table. */
export const EXAMPLES: Example[] = [
  {
    title: "Who sent most",
    sql: `SELECT srcaddr, sum(bytes) AS bytes, count(*) AS records
FROM flow_records
WHERE $time AND $filters
GROUP BY srcaddr
ORDER BY bytes DESC
LIMIT 20`,
  },
  {
    title: "Bytes over time by action",
    sql: `SELECT to_time(time_bin('10m')) AS at, action, sum(bytes) AS bytes
FROM flow_records
WHERE $time AND $filters AND action IS NOT NULL
GROUP BY ALL
ORDER BY at`,
  },
  {
    title: "Rejected ports and how many asked for them",
    sql: `SELECT dstport, count(*) AS records, count(DISTINCT srcaddr) AS sources
FROM flow_records
WHERE $time AND $filters AND action = 'REJECT'
GROUP BY dstport
ORDER BY records DESC
LIMIT 50`,
  },
  {
    title: "Scans: many ports of one host",
    sql: `SELECT srcaddr, dstaddr, count(DISTINCT dstport) AS ports, count(*) AS records
FROM flow_records
WHERE $time AND $filters AND action = 'REJECT'
GROUP BY srcaddr, dstaddr
HAVING ports >= 20
ORDER BY ports DESC`,
  },
  {
    title: "Connections that were never answered",
    sql: `SELECT srcaddr, dstaddr, dstport, count(*) AS records
FROM flow_records
WHERE $time AND $filters AND protocol = 6 AND tcp_flags = 2 AND action = 'ACCEPT'
GROUP BY ALL
ORDER BY records DESC
LIMIT 100`,
  },
  {
    title: "Networks outside, by bytes",
    sql: `SELECT network(dstaddr, 24) AS net, sum(bytes) AS bytes, count(DISTINCT srcaddr) AS hosts
FROM flow_records
WHERE $time AND $filters AND NOT is_private(dstaddr)
GROUP BY net
ORDER BY bytes DESC
LIMIT 50`,
  },
  {
    title: "The fastest records",
    sql: `SELECT start, srcaddr, srcport, dstaddr, dstport, protocol, interface_id, action,
       bytes, bytes / greatest(1, end - start) AS bytes_a_second
FROM flow_records
WHERE $time AND $filters AND bytes IS NOT NULL
ORDER BY bytes_a_second DESC
LIMIT 100`,
  },
  {
    title: "Interfaces and how much of their time was quiet",
    sql: `SELECT interface_id, count(*) AS records,
       count(*) FILTER (log_status = 'NODATA') AS nodata,
       count(*) FILTER (log_status = 'SKIPDATA') AS skipdata
FROM flow_records
WHERE $time AND $filters
GROUP BY interface_id
ORDER BY skipdata DESC, nodata DESC`,
  },
  {
    title: "Sizes of records by hour",
    sql: `SELECT to_time(time_bin('1h')) AS hour, median(bytes) AS middle_bytes,
       quantile_cont(bytes, 0.95) AS p95_bytes
FROM flow_records
WHERE $time AND $filters
GROUP BY hour
ORDER BY hour`,
  },
];
