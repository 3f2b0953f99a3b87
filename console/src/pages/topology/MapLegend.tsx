import type { Topology } from "./useTopology";

const COUNT = (value: number) => value.toLocaleString("en-US");

/** What shapes and colours mean, and what is not drawn. */
export function MapLegend({ topology }: { topology: Topology }) {
  const { asked, kept, level, least } = topology;
  const graph = asked.data;
  if (!graph || graph.links.length === 0) return null;
  const left = graph.nodes_total > graph.nodes.length ? 0 : graph.links_total - graph.links.length;
  const joined = graph.nodes_total - graph.nodes.length;
  return (
    <footer className="topology-foot">
      <ul className="legend" aria-label="Legend">
        <li>
          <i className="shape line" /> bytes, wider is more
        </li>
        <li>
          <i className="shape line red" /> rejected
        </li>
        {level === "interface" && (
          <li>
            <i className="shape round" /> interface
          </li>
        )}
        <li>
          <i className="shape" /> Internet, service, others
        </li>
      </ul>
      <p className="topology-kept">
        {COUNT(kept.links.length)} of {COUNT(graph.links_total)} edges
        {kept.hidden > 0 &&
          `; ${COUNT(kept.hidden)} under ${least}% of bytes and of rejected hidden`}
        {left > 0 && `; the ${COUNT(left)} smallest are left out`}
        {joined > 0 && `; ${COUNT(joined)} smallest nodes are in “All others”`}
        {graph.coverage?.lower_bound && "; some records were lost, so sums are at least this"}
      </p>
    </footer>
  );
}
