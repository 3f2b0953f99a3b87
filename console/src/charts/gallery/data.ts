/** Made-up data that looks like a day of a network, the same each time. */
import type { GraphLink, GraphNode } from "../graph";

let seed = 7;
export function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}

export const END = Date.UTC(2026, 9, 14, 15) / 1000;
export const STEP = 300;
export const TIMES = Array.from({ length: 288 }, (_, at) => END - 86_400 + at * STEP);

const burst = (at: number, middle: number, width: number): number =>
  Math.exp(-((at - middle) ** 2) / (2 * width * width));
const day = (at: number): number => 1 + 0.55 * Math.cos(((at - 12) / 288) * 2 * Math.PI);

export const internal = TIMES.map(
  (_, at) => 7.2e9 * day(at) * (0.96 + 0.08 * random()) + 6e9 * burst(at, 44, 7),
);
export const ingress = TIMES.map((_, at) => 3e9 * day(at) * (0.92 + 0.16 * random()));
export const egress = TIMES.map(
  (_, at) => 5e9 * day(at) * (0.92 + 0.16 * random()) + 7.5e9 * burst(at, 196, 5),
);
export const rejected = TIMES.map(
  (_, at) => 3e8 * (0.6 + 0.8 * random()) + 4e9 * burst(at, 235, 7),
);
export const before = TIMES.map((_, at) => 15.4e9 * day(at) * (0.95 + 0.04 * Math.sin(at / 9)));

export const MARKERS = [
  { at_s: TIMES[44] ?? 0, label: "Cross-AZ rise" },
  { at_s: TIMES[194] ?? 0, label: "New ASN" },
  { at_s: TIMES[229] ?? 0, label: "Port scan", bad: true },
  { at_s: TIMES[233] ?? 0, label: "Rejected burst", bad: true },
];

const LINKS: [string, string, number, number][] = [
  ["Internet", "alb-public", 62, 0.13],
  ["Internet", "bastion", 6.8, 0.76],
  ["Internet", "vpn-gateway", 6.8, 0.12],
  ["alb-public", "api", 51, 0.004],
  ["alb-public", "web", 14, 0],
  ["vpn-gateway", "admin", 5.4, 0.07],
  ["bastion", "admin", 1.7, 0.18],
  ["web", "api", 11, 0],
  ["api", "postgres", 23, 0.004],
  ["api", "redis", 12, 0],
  ["api", "s3", 27, 0],
  ["admin", "postgres", 3.9, 0.23],
  ["api", "partner-api", 7.3, 0.04],
  ["web", "cdn-origin", 9, 0],
  ["postgres", "api", 4, 0],
];
export const links: GraphLink[] = LINKS.map(([source, target, size, share]) => ({
  source,
  target,
  bytes: size * 1e10,
  records: size * 1e5,
  rejected: Math.round(size * 1e5 * share),
}));
const kindOf = (id: string): string =>
  id === "Internet" ? "internet" : id === "s3" ? "service" : "interface";
export const nodes: GraphNode[] = [...new Set(LINKS.flatMap((link) => [link[0], link[1]]))].map(
  (id) => ({
    id,
    kind: kindOf(id),
    name: id,
    bytes: 0,
    records: 0,
    rejected: 0,
  }),
);

export const PORTS = [
  ["22", "ssh", 1.84e6],
  ["23", "telnet", 1.31e6],
  ["3389", "rdp", 9.7e5],
  ["445", "smb", 8.8e5],
  ["5432", "postgres", 4.2e5],
  ["8080", "http-alt", 3.6e5],
  ["6379", "redis", 2.9e5],
  ["9200", "elasticsearch", 1.4e5],
] as const;

export const TALKERS = [
  ["10.20.4.17", "api-prod-7f9c", 1.412e12, 0],
  ["10.20.8.203", "etl-worker-03", 9.86e11, 0],
  ["10.20.1.9", "alb-public-a", 7.44e11, 0.2],
  ["10.31.0.44", "nat-gw-1b", 5.03e11, 0],
  ["10.20.12.80", "video-cache-2", 3.71e11, 0.01],
  ["2001:db8:12::45", "warehouse-db", 3.02e11, 0],
  ["45.155.204.7", "Selectel", 4.8e10, 0.99],
] as const;

export const COUNTRIES = (
  "US 8.2e12 .01,DE 2.1e12 .01,GB 1.4e12 .01,FR 7e11 .02,NL 9.8e11 .16,RU 9.1e10 .91,CN 2.6e11 .62," +
  "IN 8.8e11 .04,BR 5.2e11 .08,JP 9.1e11 .01,AU 4.1e11 .01,CA 1.1e12 .01,SG 3e11 .05,KR 2.7e11 .03," +
  "SE 2.6e11 .02,PL 1.5e11 .04,ES 3.3e11 .02,IT 2.9e11 .02,MX 2.2e11 .06,AR 9e10 .06,ZA 1.2e11 .04," +
  "TR 6.4e10 .2,VN 5.1e10 .55,ID 1.3e11 .12,UA 5.6e10 .18,IR 1.6e10 .8,IE 6.8e11 .01"
)
  .split(",")
  .map((entry) => entry.split(" "))
  .map(([code = "", bytes, share]) => ({
    code,
    bytes: Number(bytes),
    rejected: Number(share) > 0.1 ? Math.round(Number(share) * Number(bytes) * 4e-6) : 0,
  }));

export const EDGES = [1, 2, 5, 10, 30, 60, 120, 300, 600, 900];
export const HEAT_TIMES = Array.from({ length: 48 }, (_, at) => END - 86_400 + at * 1800);
export const HEAT = HEAT_TIMES.flatMap((time_s, x) => {
  const middle = 4.4 + 0.8 * Math.sin(((x - 14) / 48) * 6.28) + (x > 36 && x < 41 ? 2.6 : 0);
  return EDGES.map((edge, y) => ({
    time_s,
    edge,
    amount: Math.round(9000 * Math.exp(-((y - middle) ** 2) / 2.4) * (0.75 + 0.5 * random())),
  }));
});

/** A network of VPCs, subnets and interfaces with about `count` interfaces. */
export function network(count: number): { nodes: GraphNode[]; links: GraphLink[] } {
  const made: GraphNode[] = [];
  const add = (id: string, kind: string, name: string, parent: string | null) =>
    made.push({
      id,
      kind,
      name,
      parent,
      bytes: 10 ** (6 + 6 * random()),
      records: 1000,
      rejected: 0,
    });
  add("internet", "internet", "Internet", null);
  add("s3", "service", "s3 eu-central-1", null);
  const ids: string[] = [];
  const vpcs = count > 100 ? 4 : 2;
  for (let v = 0; v < vpcs; v += 1) {
    add(`vpc-${v}`, "vpc", ["prod", "staging", "edge", "data"][v] ?? `vpc-${v}`, null);
    const subnets = 2 + Math.floor(random() * 5);
    for (let s = 0; s < subnets; s += 1) {
      add(`subnet-${v}-${s}`, "subnet", `${["app", "db", "web", "batch"][s % 4]}-${s}`, `vpc-${v}`);
      const size = Math.max(2, Math.round((count / vpcs / subnets) * (0.5 + random())));
      for (let i = 0; i < size; i += 1) {
        const id = `eni-${v}-${s}-${i}`;
        ids.push(id);
        add(
          id,
          "interface",
          `${["api", "web", "worker", "db", "cache"][i % 5]}-${v}${s}${i}`,
          `subnet-${v}-${s}`,
        );
      }
    }
  }
  const links = Array.from({ length: count * 2 }, (): GraphLink => {
    const any = () => ids[Math.floor(random() ** 2 * ids.length)] ?? "internet";
    const source = random() < 0.15 ? "internet" : any();
    const red = random() < 0.06;
    const records = Math.ceil(random() * 1000);
    const target = random() < 0.1 ? "s3" : any();
    return {
      source,
      target,
      bytes: 10 ** (4 + 7 * random()),
      records,
      rejected: red ? records : 0,
    };
  }).filter((link) => link.source !== link.target);
  return { nodes: made, links };
}
