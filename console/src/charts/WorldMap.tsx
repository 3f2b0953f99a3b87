import { lazy, Suspense } from "react";
import "./charts.css";
import type { ChartTable, OnPick, Pick } from "./answer";
import { bytesText, countText, shareText } from "./format";

const Picture = lazy(() => import("./WorldMapPicture"));

export interface CountryRow {
  /** Two letters (ISO 3166-1). */
  code: string;
  name?: string;
  bytes: number;
  /** Rejected flows. */
  rejected: number;
  pick?: Pick;
}

export interface WorldMapProps {
  rows: readonly CountryRow[];
  title: string;
  onPick?: OnPick;
}

/** Countries by bytes; red circles by rejected flows. Says how to add the data when it is missing. */
export function WorldMap(props: WorldMapProps) {
  if (props.rows.length === 0) return <NoCountries />;
  return (
    <Suspense fallback={<div className="chart chart-map" />}>
      <Picture {...props} sentence={mapSentence(props)} />
    </Suspense>
  );
}

function NoCountries() {
  return (
    <div className="chart chart-empty">
      <p>
        <b>No country is known for these addresses.</b>
      </p>
      <p>Countries come from a range file of your own (MMDB or CSV). Add one with</p>
      <code>vpcflow ranges add FILE</code>
    </div>
  );
}

export function mapSentence({ rows, title }: WorldMapProps): string {
  const total = rows.reduce((sum, row) => sum + row.bytes, 0);
  const order = [...rows].sort((one, other) => other.bytes - one.bytes).slice(0, 3);
  const red = [...rows].sort((one, other) => other.rejected - one.rejected)[0];
  const first = order
    .map(
      (row) =>
        `${row.name ?? row.code} ${bytesText(row.bytes)} (${shareText(row.bytes / (total || 1))})`,
    )
    .join(", ");
  const most =
    red && red.rejected > 0
      ? ` Most rejected: ${red.name ?? red.code} with ${countText(red.rejected)} flows.`
      : "";
  return `${title}: ${rows.length} countries, ${bytesText(total)}. ${first}.${most}`;
}

export function mapTable({ rows }: WorldMapProps): ChartTable {
  return {
    columns: [
      { name: "country", kind: "text", label: "Country" },
      { name: "bytes", kind: "bytes", label: "Bytes" },
      { name: "rejected", kind: "count", label: "Rejected flows" },
    ],
    rows: [...rows]
      .sort((one, other) => other.bytes - one.bytes)
      .map((row) => [row.name ?? row.code, row.bytes, row.rejected]),
  };
}
