/** Bins on a logarithmic scale, and the cells of a heat map over time. */

/** Upper edges 1, 2, 5, 10, ... that cover [low, high]; both above zero. */
export function logEdges(low: number, high: number): number[] {
  if (!(low > 0) || !(high > 0)) return [];
  const edges: number[] = [];
  for (let power = Math.floor(Math.log10(low)); ; power += 1)
    for (const step of [1, 2, 5]) {
      const edge = Number((step * 10 ** power).toPrecision(1));
      if (edge < low) continue;
      edges.push(edge);
      if (edge >= high) return edges;
    }
}

/** The first bin whose upper edge a value does not pass; the last one for what is above all. */
export function binOf(edges: readonly number[], value: number): number {
  const at = edges.findIndex((edge) => value <= edge);
  return at < 0 ? edges.length - 1 : at;
}

export interface HeatCell {
  time_s: number;
  /** The upper edge of the cell's bin, in the unit of the values. */
  edge: number;
  amount: number;
}

/** Sums of amounts by time and bin; cells without an amount are left out. */
export function heatCells(
  times: readonly number[],
  values: readonly number[],
  amounts: readonly number[] | null,
  edges: readonly number[],
): HeatCell[] {
  const sums = new Map<string, HeatCell>();
  times.forEach((time_s, row) => {
    const edge = edges[binOf(edges, values[row] ?? 0)];
    if (edge === undefined) return;
    const key = `${time_s} ${edge}`;
    const cell = sums.get(key) ?? { time_s, edge, amount: 0 };
    cell.amount += amounts?.[row] ?? 1;
    sums.set(key, cell);
  });
  return [...sums.values()];
}
