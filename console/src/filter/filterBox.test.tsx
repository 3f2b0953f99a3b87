import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test } from "vitest";
import { FilterBox } from "./FilterBox";

const fetchOfBrowser = globalThis.fetch;

afterEach(() => {
  cleanup();
  globalThis.fetch = fetchOfBrowser;
});

/** A server that answers when it is told to; what it was asked stands in `asked`. */
function slowServer(): { asked: string[]; answer: () => void } {
  const asked: string[] = [];
  const waiting: (() => void)[] = [];
  globalThis.fetch = (url) =>
    new Promise((resolve) => {
      asked.push(String(url));
      const body = String(url).includes("/fields") ? { fields: [] } : { chips: [] };
      const headers = { "content-type": "application/json" };
      waiting.push(() => resolve(new Response(JSON.stringify(body), { headers })));
    });
  return { asked, answer: () => void waiting.splice(0).map((go) => go()) };
}

function Box({ changes }: { changes: string[] }) {
  const [value, setValue] = useState("srcport = 1 and dstport = 2");
  const change = (text: string) => {
    changes.push(text);
    setValue(text);
  };
  return <FilterBox value={value} onChange={change} />;
}

test("a chip that was taken away while the server looked at another does not come back", async () => {
  const server = slowServer();
  const changes: string[] = [];
  render(<Box changes={changes} />);
  const field = screen.getByRole("combobox");
  fireEvent.change(field, { target: { value: "bytes > 5" } });
  fireEvent.keyDown(field, { key: "Enter" });
  await waitFor(() => expect(server.asked.some((url) => url.includes("/filter"))).toBe(true));
  fireEvent.click(screen.getByRole("button", { name: "Remove srcport = 1" }));
  fireEvent.change(field, { target: { value: "next" } });
  await act(async () => server.answer());
  await waitFor(() => expect(changes.at(-1)).toBe("dstport = 2 and bytes > 5"));
  expect((field as HTMLInputElement).value).toBe("next");
});
