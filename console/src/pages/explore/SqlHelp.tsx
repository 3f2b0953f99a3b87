import { EXAMPLES } from "./examples";

/** What the SQL of this page knows, and queries to begin with. */
export function SqlHelp({ onChoose }: { onChoose: (sql: string) => void }) {
  return (
    <section className="sql-help-box" aria-label="Help with SQL">
      <p>
        One table, <code>flow_records</code>: the fields of flow logs with <code>_</code> for{" "}
        <code>-</code>. The SQL is DuckDB's; only SELECT.
      </p>
      <dl className="facts">
        <dt>
          <code>$time</code>
        </dt>
        <dd>the range above, as a condition on start</dd>
        <dt>
          <code>$filters</code>
        </dt>
        <dd>the filter above; without these words both hold everywhere</dd>
        <dt>
          <code>time_bin('5m')</code>
        </dt>
        <dd>the five minutes that a record began in</dd>
        <dt>
          <code>{"srcaddr << '10.0.0.0/8'"}</code>
        </dt>
        <dd>in a network; also is_private, is_ipv6, network(a, 24)</dd>
      </dl>
      <h3>Queries to begin with</h3>
      <ul>
        {EXAMPLES.map(({ title, sql }) => (
          <li key={title}>
            <button type="button" title={sql} onClick={() => onChoose(sql)}>
              {title}
            </button>
          </li>
        ))}
      </ul>
      <a href="/manual/reference/sql" target="_blank" rel="noreferrer">
        All of it in the manual
      </a>
    </section>
  );
}
