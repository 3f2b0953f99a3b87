import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { Shell } from "./Shell";

const fetchOfBrowser = globalThis.fetch;
// jsdom has no modal dialogs: here one is only open.
HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.open = false;
};
Element.prototype.scrollIntoView ??= () => undefined;

afterEach(() => {
  cleanup();
  globalThis.fetch = fetchOfBrowser;
});

test("what is typed before the palette is loaded is typed into it", async () => {
  globalThis.fetch = () => new Promise(() => undefined);
  const theme = document.documentElement.dataset.theme;
  render(<Shell>page</Shell>);
  fireEvent.keyDown(document.body, { key: "k", ctrlKey: true });
  const first = screen.getByLabelText("Command");
  expect(document.activeElement).toBe(first);
  fireEvent.keyDown(first, { key: "t" });
  fireEvent.change(first, { target: { value: "topo" } });
  const field = await screen.findByRole("combobox");
  expect((field as HTMLInputElement).value).toBe("topo");
  expect(screen.getAllByRole("option")[0]?.textContent).toContain("Topology");
  expect(document.documentElement.dataset.theme).toBe(theme);
});
