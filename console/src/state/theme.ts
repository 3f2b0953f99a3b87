import { createStore } from "./store";

export type Theme = "light" | "dark";

const KEY = "vpcflow.theme";
const theme = createStore<Theme>(
  document.documentElement.dataset.theme === "dark" ? "dark" : "light",
);

/** The theme of the page; charts redraw when it changes. */
export function useTheme(): Theme {
  return theme.use();
}

/** Sets the theme and remembers it. */
export function setTheme(next: Theme): void {
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // Storage may be forbidden; the theme then lasts as long as the page.
  }
  theme.set(next);
}

/** Changes to the other theme. */
export function flipTheme(): void {
  setTheme(theme.get() === "dark" ? "light" : "dark");
}
