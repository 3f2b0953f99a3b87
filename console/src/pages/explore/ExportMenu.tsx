import { Download, FileDown, Image as ImageIcon, X } from "lucide-react";
import { useRef, useState } from "react";
import { getFile, type Params } from "../../api/client";
import { faultOf, isAbort } from "../../api/fault";
import { download } from "../../panels/files";
import { useFilter } from "../../state/filter";
import { useRange } from "../../state/range";
import { formatCount } from "../../time/format";
import { Button } from "../../ui/Button";
import { Menu, type MenuItem } from "../../ui/Menu";
import { toast } from "../../ui/Toast";

/** Rows of a file that the server writes at most, with its settings as they come. */
export const EXPORT_ROWS_MAX = 1_000_000;

export type ExportRequest =
  | { question: string; params: Params; sql?: undefined }
  | { sql: string; question?: undefined; params?: undefined };

interface ExportMenuProps {
  request: ExportRequest;
  /** How many rows there are, where it is known. */
  total?: number;
  /** The picture of the chart that is shown, as a data address. */
  png?: () => Promise<string | undefined>;
  pngName?: string;
  disabled?: boolean;
}

const FORMATS = [
  { format: "csv", label: "CSV" },
  { format: "parquet", label: "Parquet" },
  { format: "arrow", label: "Arrow stream" },
];

/** What is shown, as a file. */
export function ExportMenu({ request, total, png, pngName, disabled }: ExportMenuProps) {
  const { busy, run, stop } = useExport(request, total);
  const most = total === undefined ? undefined : Math.min(total, EXPORT_ROWS_MAX);
  const hint = most === undefined ? undefined : `${formatCount(most)} rows`;
  const items: MenuItem[] = FORMATS.map(({ format, label }) => ({
    label,
    hint,
    icon: <FileDown size={14} />,
    onSelect: () => run(format),
  }));
  if (png) {
    items.push({
      label: "PNG of the chart",
      icon: <ImageIcon size={14} />,
      separated: true,
      onSelect: async () => {
        const picture = await png();
        if (picture) download(`${pngName ?? "vpcflow"}.png`, picture);
        else toast("This chart cannot be made a picture", { kind: "error" });
      },
    });
  }
  if (busy) {
    return (
      <Button icon={<X size={14} />} onClick={stop}>
        Cancel the export
      </Button>
    );
  }
  if (disabled) {
    return (
      <Button icon={<Download size={14} />} disabled>
        Export
      </Button>
    );
  }
  return (
    <Menu
      label={
        total !== undefined && total > EXPORT_ROWS_MAX
          ? `Export: the first ${formatCount(EXPORT_ROWS_MAX)} rows`
          : "Export"
      }
      items={items}
    >
      <Download size={14} aria-hidden />
      <span>Export</span>
    </Menu>
  );
}

/** Asks for a file and gives it to the browser. */
function useExport(request: ExportMenuProps["request"], total: number | undefined) {
  const { text: filter } = useFilter();
  const { start, end } = useRange();
  const [busy, setBusy] = useState("");
  const stop = useRef<AbortController | null>(null);
  const run = async (format: string) => {
    stop.current = new AbortController();
    setBusy(format);
    const options = { signal: stop.current.signal };
    try {
      const file =
        request.sql === undefined
          ? await getFile("GET", "/export", undefined, {
              ...options,
              params: {
                ...request.params,
                ...rowsOf(request.question),
                question: request.question,
                format,
                start,
                end,
                filter,
              },
            })
          : await getFile(
              "POST",
              "/export",
              { text: request.sql, format, start, end, filter },
              options,
            );
      download(file.name, file.blob);
      toast(`${file.name}: ${rowsText(file, total)}`);
    } catch (error) {
      if (!isAbort(error)) toast(faultOf(error).message, { kind: "error" });
    } finally {
      setBusy("");
    }
  };
  return { busy, run, stop: () => stop.current?.abort() };
}

/** A file of records holds as many as the server gives, not only those that are loaded. */
function rowsOf(question: string): Params {
  return question === "flows" ? { limit: EXPORT_ROWS_MAX } : {};
}

/** How many rows a file has, and of how many. */
export function rowsText(file: { rows: number; truncated: boolean }, total?: number): string {
  const rows = `${file.rows.toLocaleString("en-US")} rows`;
  if (total !== undefined && total > file.rows) {
    return `the first ${rows} of ${formatCount(total)}; a file holds no more`;
  }
  return file.truncated ? `the first ${rows}; a file holds no more` : rows;
}
