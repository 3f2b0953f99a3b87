import { afterEach, expect, it, vi } from "vitest";
import { reachable } from "../api/client";
import { loadPatiently } from "./patientLoad";

afterEach(() => reachable.set(true));

it("waits for a server that is away, and loads when it is back", async () => {
  let asked = 0;
  const load = () =>
    ++asked < 3 ? Promise.reject(new Error("no script")) : Promise.resolve("page");
  const looks: boolean[] = [];
  const look = async () => {
    looks.push(true);
    reachable.set(false);
  };
  const page = loadPatiently(load, look);
  for (let turn = 1; turn <= 2; turn++) {
    await vi.waitFor(() => expect(looks.length).toBe(turn));
    expect(asked).toBe(turn);
    reachable.set(true);
  }
  expect(await page).toBe("page");
});

it("gives up when the server is there and the code is not", async () => {
  let asked = 0;
  const load = () => {
    asked++;
    return Promise.reject(new Error("gone with the old version"));
  };
  await expect(loadPatiently(load, async () => undefined)).rejects.toThrow("old version");
  expect(asked).toBe(2);
});
