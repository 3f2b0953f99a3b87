import { useEffect, useState } from "react";
import { useJson } from "../../../api/hooks";
import type { DashboardPanel, Query } from "../../../panels/document";
import { PANEL_KINDS } from "../../../panels/kinds";
import { Segmented } from "../../../ui/Choice";
import { Select, TextArea } from "../../../ui/Field";
import { parseQuery, queryText, SQL_FIRST } from "./build";

interface QueryFieldProps {
  panel: DashboardPanel;
  onQuery: (query: Query) => void;
  onFault: (fault: string) => void;
}

interface QuestionEntry {
  name: string;
  summary: string;
}

/** Beside the questions of the API: what has an address of its own. */
const OTHERS: QuestionEntry[] = [
  { name: "graph", summary: "Who talks to whom, by interface, subnet, VPC or host." },
  { name: "rejected_ports", summary: "Refused ports with the rule that decided." },
];
/** Questions that answer one thing about one record are no panels. */
const NOT_PANELS: ReadonlySet<string> = new Set(["conversation", "rule_flows", "graph_edges"]);

/** What is asked: a question with its parameters, or SQL. */
export function QueryField({ panel, onQuery, onFault }: QueryFieldProps) {
  const { query } = panel;
  const written = queryText(query);
  const [text, setText] = useState(written);
  const [fault, setFault] = useState("");
  const [own, setOwn] = useState(written);
  useEffect(() => {
    // The tiles and chips above write the text anew; one's own typing stays as it is.
    if (written !== own) {
      setText(written);
      setOwn(written);
      setFault("");
    }
  }, [written, own]);
  useEffect(() => onFault(fault), [fault, onFault]);
  const isSql = Boolean(query?.sql);
  const put = (next: string) => {
    setText(next);
    try {
      const read = isSql ? { sql: next } : parseQuery(next);
      setOwn(queryText(read));
      setFault(isSql && !next.trim() ? "Write a query." : "");
      onQuery(read);
    } catch (error) {
      setFault((error as Error).message);
    }
  };
  return (
    <div className="field query-field">
      <div className="query-head">
        <span className="field-label">Query</span>
        <Segmented
          label="How it is asked"
          value={isSql ? "sql" : "question"}
          options={[
            { value: "question", label: "Question" },
            { value: "sql", label: "SQL" },
          ]}
          onChange={(mode) =>
            onQuery(mode === "sql" ? { sql: SQL_FIRST } : { question: "series", parameters: {} })
          }
        />
      </div>
      {!isSql && <QuestionSelect panel={panel} onQuery={onQuery} />}
      <TextArea
        label={isSql ? "SQL" : "Question and parameters"}
        hideLabel
        mono
        spellCheck={false}
        rows={Math.min(12, Math.max(2, text.split("\n").length))}
        value={text}
        error={fault || undefined}
        hint={isSql ? "$time and $filters stand for the range and the filters." : undefined}
        onChange={put}
      />
    </div>
  );
}

function QuestionSelect({ panel, onQuery }: Omit<QueryFieldProps, "onFault">) {
  const { data } = useJson<{ questions: QuestionEntry[] }>("/questions");
  const all = [...(data?.questions ?? []), ...OTHERS].filter(({ name }) => !NOT_PANELS.has(name));
  const fitting = all.filter(({ name }) => PANEL_KINDS[panel.kind].accepts({ question: name }));
  const now = panel.query?.question ?? "";
  const names = [...new Set([...fitting.map(({ name }) => name), now])].filter(Boolean);
  return (
    <Select
      label="Question"
      hideLabel
      value={now}
      choices={names.map((name) => ({ value: name, label: name.replace(/_/g, " ") }))}
      title={all.find(({ name }) => name === now)?.summary}
      onChange={(question) => onQuery({ question, parameters: {} })}
    />
  );
}
