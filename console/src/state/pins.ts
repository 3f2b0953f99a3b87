import { createStore } from "./store";

/** A dashboard that stands in the sidebar. */
export interface Pin {
  id: string;
  title: string;
}

const KEY = "vpcflow-pins";
/** More would push the rest of the sidebar out of sight. */
export const PINS_MAX = 8;

const pins = createStore<readonly Pin[]>(kept());

function kept(): Pin[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found)
      ? found.filter((one) => typeof one?.id === "string" && typeof one?.title === "string")
      : [];
  } catch {
    return [];
  }
}

function keep(next: readonly Pin[]): void {
  pins.set(next);
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Without storage pins last as long as the page.
  }
}

/** The pinned dashboards of this browser. */
export function usePins(): readonly Pin[] {
  return pins.use();
}

/** Pins a dashboard, or takes its pin away. */
export function flipPin(pin: Pin): void {
  const now = pins.get();
  if (now.some(({ id }) => id === pin.id)) unpin(pin.id);
  else keep([...now, pin].slice(-PINS_MAX));
}

/** Takes a pin away: the dashboard is gone. */
export function unpin(id: string): void {
  keep(pins.get().filter((one) => one.id !== id));
}

/** Keeps the title of a pin as it is now. */
export function renamePin(id: string, title: string): void {
  keep(pins.get().map((one) => (one.id === id ? { id, title } : one)));
}
