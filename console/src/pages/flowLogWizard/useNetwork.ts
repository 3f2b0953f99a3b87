import { getJson } from "../../api/client";
import { type Asked, useAsked } from "../../api/hooks";
import type { NetworkShown } from "../../api/schema";

/** Pages of interfaces that are asked for; whoever has more gives an id. */
const PAGES_MAX = 10;

/** The networks to choose from, all pages together. */
export function useNetwork(): Asked<NetworkShown> {
  return useAsked<NetworkShown>("/network", async (how) => {
    const found = await getJson<NetworkShown>("/network", {}, how);
    let next = found.next_page;
    const interfaces = [...found.interfaces];
    for (let page = 1; next !== null && page < PAGES_MAX; page += 1) {
      const more = await getJson<NetworkShown>("/network", { page: next }, how);
      interfaces.push(...more.interfaces);
      next = more.next_page;
    }
    return { ...found, interfaces, next_page: next };
  });
}
