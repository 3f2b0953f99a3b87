import {
  type CompletionContext,
  type CompletionResult,
  snippetCompletion,
} from "@codemirror/autocomplete";
import { SQLDialect, sql } from "@codemirror/lang-sql";
import { LanguageSupport } from "@codemirror/language";
import type { FieldEntry } from "../../api/types";

/** The words of one SELECT; names of fields, such as action and at, are none of them. */
const KEYWORDS =
  "select distinct from where group by all having qualify order asc desc nulls limit offset with as on using join inner left right full outer cross semi anti asof union intersect except exclude replace case when then else end and or not in is like ilike between exists over partition window rows range preceding following unbounded current row filter within values cast try_cast interval";
const CALLABLE =
  "count sum min max avg median mode quantile_cont approx_count_distinct greatest least coalesce nullif round floor abs time_bin to_time last since before between_times in_network is_private is_ipv4 is_ipv6 network addr_text address now_s row_number rank lag lead first any_value string_agg list";

/** DuckDB's SELECT with the two words of the page. */
const DUCKDB = SQLDialect.define({
  keywords: KEYWORDS,
  builtin: CALLABLE,
  types: "integer bigint double varchar text boolean timestamp date time",
  specialVar: "$",
  operatorChars: "*+-%<>!=&|~^/",
  doubleQuotedStrings: false,
});

/** SQL with the columns of the one table there is. */
export function sqlLanguage(fields: readonly FieldEntry[]): LanguageSupport {
  const columns = fields
    .filter(({ name }) => name !== "addr" && name !== "port")
    .map((field) => ({
      label: field.column ?? field.name,
      type: "property",
      detail: field.unit ? `${field.label}, ${field.unit}` : field.label,
      info: field.summary,
      // Fields that no record has a value for come last.
      boost: field.present === false ? -20 : 10,
    }));
  const support = sql({
    dialect: DUCKDB,
    upperCaseKeywords: true,
    schema: { flow_records: columns },
    defaultTable: "flow_records",
  });
  const words = DUCKDB.language.data.of({ autocomplete: completeWords });
  return new LanguageSupport(support.language, [support.support, words]);
}

const WORDS = [
  { label: "$time", type: "keyword", detail: "the page's range", boost: 60 },
  { label: "$filters", type: "keyword", detail: "the page's filter", boost: 59 },
];

const CALLS: [string, string, string][] = [
  ["time_bin('#{5m}')", "time_bin", "the interval that start falls in"],
  ["to_time(#{start})", "to_time", "a timestamp in UTC"],
  ["last('#{15m}')", "last", "started in the last minutes"],
  ["since('#{2026-11-23T04:00Z}')", "since", "started then or later"],
  ["in_network(#{srcaddr}, '#{10.0.0.0/8}')", "in_network", "in one of the networks"],
  ["is_private(#{srcaddr})", "is_private", "a private address"],
  ["is_ipv6(#{srcaddr})", "is_ipv6", "an IPv6 address"],
  ["network(#{srcaddr}, #{24})", "network", "the network of an address"],
  ["addr_text(#{srcaddr})", "addr_text", "an address as text"],
  ["sum(#{bytes})", "sum", "the sum"],
  ["count(*)", "count", "how many rows"],
  ["count(DISTINCT #{srcaddr})", "count distinct", "how many different values"],
  ["median(#{bytes})", "median", "the middle value"],
  ["quantile_cont(#{bytes}, #{0.95})", "quantile_cont", "a quantile"],
];
const FUNCTIONS = CALLS.map(([template, label, detail]) =>
  snippetCompletion(template, { label, detail, type: "function" }),
);

function completeWords(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/\$?\w*/);
  if (!word || (word.from === word.to && !context.explicit)) return null;
  if (word.text.startsWith("$")) return { from: word.from, options: WORDS };
  return { from: word.from, options: [...FUNCTIONS, ...WORDS], validFor: /^\$?\w*$/ };
}
