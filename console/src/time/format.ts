import type { Cell, ColumnKind } from "../api/types";

/** What a missing value looks like. */
export const NONE = "–";
const THIN: [number, string][] = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
];
const BYTES: [number, string][] = [
  [1e18, "EB"],
  [1e15, "PB"],
  [1e12, "TB"],
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
];
/** Counts below are written out: 2,184. */
const PLAIN_BELOW = 10_000;

/** A number and its unit, to be drawn apart. */
export interface Figure {
  number: string;
  unit: string;
}

function three(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

function scaled(value: number, steps: [number, string][]): Figure | undefined {
  for (const [size, unit] of steps) {
    // What rounds up to 1000 of a unit is 1.00 of the next.
    if (Math.abs(value) >= size * 0.9995) return { number: three(value / size), unit };
  }
  return undefined;
}

/** A count as 48.6 and M. */
export function countFigure(value: number): Figure {
  if (Math.abs(value) < PLAIN_BELOW) {
    const whole = Number.isInteger(value) || Math.abs(value) >= 100;
    return { number: whole ? Math.round(value).toLocaleString("en-US") : trimmed(value), unit: "" };
  }
  return scaled(value, THIN) ?? { number: String(value), unit: "" };
}

/** Bytes as 7.42 and TB, in powers of ten. */
export function bytesFigure(value: number): Figure {
  return scaled(value, BYTES) ?? { number: whole(value), unit: "B" };
}

function whole(value: number): string {
  return Number.isInteger(value) ? String(value) : trimmed(value);
}

function trimmed(value: number): string {
  return String(Number(three(value)));
}

/** 48.6M */
export function formatCount(value: number): string {
  const { number, unit } = countFigure(value);
  return number + unit;
}

/** 7.42 TB */
export function formatBytes(value: number): string {
  const { number, unit } = bytesFigure(value);
  return `${number} ${unit}`;
}

/** 3.8 % of a ratio from 0 to 1. */
export function formatRatio(value: number): string {
  const percent = value * 100;
  if (percent !== 0 && Math.abs(percent) < 0.1) return percent > 0 ? "<0.1%" : ">-0.1%";
  return `${percent.toFixed(Math.abs(percent) >= 99.95 || percent === 0 ? 0 : 1)}%`;
}

/** Seconds as 41 s, 3 min 20 s, 5 h 10 min, 2 d 4 h. */
export function formatDuration(seconds: number): string {
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? "-" : "";
  if (size < 1 && size > 0) return formatMicroseconds(seconds * 1e6);
  if (size < 10 && !Number.isInteger(size)) return `${sign}${size.toFixed(1)} s`;
  if (size < 59.5) return `${sign}${Math.round(size)} s`;
  const steps: [number, string, number, string, number][] = [
    [86_400, "d", 3600, "h", 60],
    [3600, "h", 60, "min", 1],
    [60, "min", 1, "s", 1],
  ];
  for (const [large, name, small, smallName, finer] of steps) {
    // What the next step would round up to 60 min is 1 h.
    if (Math.round(size / finer) * finer < large) continue;
    const units = Math.round(size / small);
    const perLarge = large / small;
    const rest = units % perLarge;
    return `${sign}${Math.floor(units / perLarge)} ${name}${rest ? ` ${rest} ${smallName}` : ""}`;
  }
  return `${sign}${Math.round(size)} s`;
}

/** Microseconds as 840 µs, 1.24 ms, 2.10 s. */
export function formatMicroseconds(value: number): string {
  const size = Math.abs(value);
  if (size < 999.5) return `${Math.round(value)} µs`;
  if (size < 999_500) return `${three(value / 1e3)} ms`;
  return `${three(value / 1e6)} s`;
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** Formats kept; a page uses a handful for each zone. */
const FORMATS_MAX = 100;

type Parts = "day" | "minute" | "dated" | "second" | "full" | "weekday" | "axis" | "month";
const OPTIONS: Record<Parts, Intl.DateTimeFormatOptions> = {
  day: { month: "short", day: "numeric" },
  month: { month: "short", year: "numeric" },
  weekday: { weekday: "short", day: "2-digit" },
  axis: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  minute: { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  dated: {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  },
  second: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  full: {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  },
};

function formatter(parts: Parts, zone: string): Intl.DateTimeFormat {
  const key = `${parts} ${zone}`;
  let format = formats.get(key);
  if (!format) {
    if (formats.size >= FORMATS_MAX) formats.clear();
    format = new Intl.DateTimeFormat(parts === "full" ? "sv-SE" : "en-US", {
      ...OPTIONS[parts],
      timeZone: zone === "utc" ? "UTC" : zone === "local" ? undefined : zone,
    });
    formats.set(key, format);
  }
  return format;
}

/** A moment in a zone. Units: seconds since the epoch. */
export function formatTime(seconds: number, zone: string, parts: Parts = "full"): string {
  if (!Number.isFinite(seconds)) return NONE;
  const text = formatter(parts, zone).format(seconds * 1000);
  // English puts the day after the weekday's name in reverse: "20 Fri".
  if (parts === "weekday") return text.replace(/^(\d+) (\w+)$/, "$2 $1");
  return text;
}

/** What a zone is called beside a time: UTC, CET, GMT+2. */
export function zoneName(zone: string, seconds = 0): string {
  if (zone === "utc") return "UTC";
  const at = new Date(seconds ? seconds * 1000 : Date.now());
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZoneName: "short",
    timeZone: zone === "local" ? undefined : zone,
  }).formatToParts(at);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? zone;
}

/** Oct 13, 15:00 to Oct 14, 15:00 UTC; the day is said once where it is the same, the years where they are not. */
export function formatRange(span: { start: number; end: number }, zone: string): string {
  const name = zoneName(zone, span.end);
  const years = [span.start, span.end].map((moment) => formatTime(moment, zone).slice(0, 4));
  const parts = years[0] === years[1] ? "minute" : "dated";
  const from = formatTime(span.start, zone, parts);
  const until = formatTime(span.end, zone, parts);
  const sameDay =
    span.end - span.start < 2 * 86_400 &&
    formatTime(span.start, zone, "day") === formatTime(span.end, zone, "day");
  return `${from} to ${sameDay ? formatTime(span.end, zone, "axis") : until} ${name}`;
}

/** How long ago a moment was: 5 min ago. */
export function formatAgo(seconds: number, now: number): string {
  const ago = now - seconds;
  if (ago < 1) return "now";
  if (ago < 60) return `${Math.floor(ago)} s ago`;
  if (ago < 3600) return `${Math.floor(ago / 60)} min ago`;
  if (ago < 86_400) return `${Math.floor(ago / 3600)} h ago`;
  return `${Math.floor(ago / 86_400)} d ago`;
}

/** A value of an answer as text. */
export function formatValue(
  kind: ColumnKind | string,
  value: Cell | undefined,
  zone = "utc",
): string {
  if (value === null || value === undefined || value === "") return NONE;
  if (typeof value !== "number") return String(value);
  switch (kind) {
    case "bytes":
      return formatBytes(value);
    case "count":
    case "packets":
      return formatCount(value);
    case "ratio":
      return formatRatio(value);
    case "duration":
      return formatDuration(value);
    case "microseconds":
      return formatMicroseconds(value);
    case "time":
      return formatTime(value, zone);
    case "protocol":
      return PROTOCOLS[value] ?? String(value);
    default:
      return String(value);
  }
}

const PROTOCOLS: Record<number, string> = {
  1: "ICMP",
  2: "IGMP",
  6: "TCP",
  17: "UDP",
  47: "GRE",
  50: "ESP",
  51: "AH",
  58: "ICMPv6",
  89: "OSPF",
  132: "SCTP",
};

const SERVICES: Record<number, string> = {
  20: "ftp-data",
  21: "ftp",
  22: "ssh",
  23: "telnet",
  25: "smtp",
  53: "dns",
  67: "dhcp",
  68: "dhcp",
  80: "http",
  110: "pop3",
  111: "rpcbind",
  123: "ntp",
  135: "msrpc",
  137: "netbios-ns",
  139: "netbios-ssn",
  143: "imap",
  161: "snmp",
  179: "bgp",
  389: "ldap",
  443: "https",
  445: "smb",
  465: "smtps",
  514: "syslog",
  587: "submission",
  636: "ldaps",
  853: "dns-tls",
  873: "rsync",
  993: "imaps",
  995: "pop3s",
  1433: "mssql",
  1521: "oracle",
  1723: "pptp",
  1883: "mqtt",
  2049: "nfs",
  2181: "zookeeper",
  2375: "docker",
  2379: "etcd",
  3000: "dev-http",
  3128: "squid",
  3306: "mysql",
  3389: "rdp",
  5060: "sip",
  5353: "mdns",
  5432: "postgres",
  5601: "kibana",
  5672: "amqp",
  5900: "vnc",
  5985: "winrm",
  6379: "redis",
  6443: "kube-api",
  8080: "http-alt",
  8443: "https-alt",
  9042: "cassandra",
  9090: "prometheus",
  9092: "kafka",
  9200: "elasticsearch",
  11211: "memcached",
  27017: "mongodb",
};

/** The service that a port is known for. */
export function serviceOf(port: number): string | undefined {
  return SERVICES[port];
}
