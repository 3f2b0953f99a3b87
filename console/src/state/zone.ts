import { currentPlace, setParams, usePlace } from "./location";

const KEY = "vpcflow.zone";

/** Whether the browser knows a zone: utc, local, or a name such as Europe/Berlin. */
export function isZone(zone: string): boolean {
  if (zone === "utc" || zone === "local") return true;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function kept(): string {
  try {
    return localStorage.getItem(KEY) ?? "utc";
  } catch {
    return "utc";
  }
}

/** The last query that was read, since every cell of a table asks for the zone. */
let read: { query: string; zone: string } | undefined;

function zoneOf(query: string): string {
  if (read?.query === query) return read.zone;
  const zone = new URLSearchParams(query).get("zone") ?? kept();
  read = { query, zone: isZone(zone) ? zone : "utc" };
  return read.zone;
}

/** The zone that times are shown in: utc, local or a name. */
export function useZone(): string {
  return zoneOf(usePlace().query);
}

/** The zone, outside of components. */
export function currentZone(): string {
  return zoneOf(currentPlace().query);
}

/** Shows times in another zone, here and at the next visit. */
export function setZone(zone: string): void {
  if (!isZone(zone)) return;
  read = undefined;
  try {
    localStorage.setItem(KEY, zone);
  } catch {
    // Storage may be forbidden; the address still holds it.
  }
  setParams({ zone }, { replace: true });
}
