/** What is done with a dashboard in the list. */
import { getJson, send } from "../../api/client";
import type { Fault } from "../../api/fault";
import type { Dashboard, DashboardAnswer, DashboardHead } from "../../panels/document";
import { download, fileName } from "../../panels/files";

/** The largest file that is read as a dashboard. */
const FILE_BYTES_MAX = 2_000_000;

const pathOf = (id: string): string => `/dashboards/${encodeURIComponent(id)}`;

/** A dashboard with what is known of it. Errors: Fault. */
export const load = (id: string): Promise<DashboardAnswer> => getJson<DashboardAnswer>(pathOf(id));

/** Keeps a new dashboard. Errors: Fault. */
export const create = (document: Dashboard): Promise<DashboardAnswer> =>
  send<DashboardAnswer>("POST", "/dashboards", { ...document, id: "" });

/** A copy of a dashboard. Errors: Fault. */
export async function duplicate(head: DashboardHead): Promise<DashboardAnswer> {
  const { dashboard } = await load(head.id);
  return create({ ...dashboard, title: `Copy of ${dashboard.title}`.slice(0, 200) });
}

/** Gives a dashboard another title and description. Errors: Fault. */
export async function rename(
  head: DashboardHead,
  words: { title: string; description: string },
): Promise<void> {
  const { dashboard, head: now } = await load(head.id);
  await send("PUT", pathOf(head.id), { ...dashboard, ...words }, { ifMatch: `"${now.revision}"` });
}

/** Deletes a dashboard and gives its document, to be able to bring it back. Errors: Fault. */
export async function remove(head: DashboardHead): Promise<Dashboard> {
  const { dashboard } = await load(head.id);
  await send("DELETE", pathOf(head.id));
  return dashboard;
}

/** Hands a dashboard to the browser as a JSON file. Errors: Fault. */
export async function exportFile(head: DashboardHead): Promise<void> {
  const { dashboard } = await load(head.id);
  const text = `${JSON.stringify(dashboard, null, 2)}\n`;
  download(fileName(head.title, "json"), new Blob([text], { type: "application/json" }));
}

/** An empty dashboard. */
export const emptyDashboard = (title: string): Dashboard =>
  ({ version: 1, id: "", title, description: "", panels: [] }) as unknown as Dashboard;

/** A dashboard from a file. Errors: Error that says what and where. */
export async function readFile(file: File): Promise<Dashboard> {
  if (file.size > FILE_BYTES_MAX)
    throw new Error(`${file.name} is larger than a dashboard may be.`);
  return parseDocument(file.name, await file.text());
}

/** A dashboard from its JSON. Errors: Error with the line at fault. */
export function parseDocument(name: string, text: string): Dashboard {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is no JSON: ${(error as Error).message}${placeIn(text, error)}`);
  }
  if (typeof found !== "object" || found === null || Array.isArray(found))
    throw new Error(`${name} holds no dashboard: it should be one JSON object.`);
  return found as Dashboard;
}

function placeIn(text: string, error: unknown): string {
  const at = /position (\d+)/.exec((error as Error).message)?.[1];
  if (at === undefined || /line \d/.test((error as Error).message)) return "";
  const lines = text.slice(0, Number(at)).split("\n");
  return ` (line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1})`;
}

/** A fault in words, with its place. */
export const words = ({ message, where, hint }: Fault): string =>
  [where ? `${where}: ${message}` : message, hint].filter(Boolean).join(" ");
