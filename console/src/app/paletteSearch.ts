/** What a typed address or id leads to. */
export interface Lookup {
  label: string;
  /** A path with its query; `filter` is set on the page it leads to. */
  path: string;
  filter?: string;
}

const ADDRESS_4 = /^(\d{1,3}\.){3}\d{1,3}(\/\d{1,2})?$/;
const ADDRESS_6 = /^(?=.*:.*:)[0-9a-f:.]{2,45}(\/\d{1,3})?$/i;
const PORT = /^:?(\d{1,5})$/;
const PORT_MAX = 65_535;

/** Ways to what the reader typed when it is an address, a network, a port, or an id of AWS. */
export function lookups(typed: string): Lookup[] {
  const text = typed.trim();
  if (ADDRESS_4.test(text) || ADDRESS_6.test(text)) return ofAddress(text);
  if (/^eni-[0-9a-f]{3,17}$/i.test(text)) {
    return [
      { label: `Interface ${text}`, path: `/interfaces?interface=${text}` },
      { label: `Records of ${text}`, path: "/explore", filter: `interface-id = ${text}` },
    ];
  }
  if (/^sg-[0-9a-f]{3,17}$/i.test(text)) {
    return [{ label: `Security group ${text}`, path: `/security-groups/${text}` }];
  }
  if (/^fl-[0-9a-f]{3,17}$/i.test(text)) {
    return [{ label: `Flow log ${text}`, path: `/flow-logs/${text}` }];
  }
  const port = PORT.exec(text)?.[1];
  if (port !== undefined && Number(port) <= PORT_MAX) {
    return [{ label: `Records of port ${port}`, path: "/explore", filter: `port = ${port}` }];
  }
  return [];
}

function ofAddress(text: string): Lookup[] {
  const isNetwork = text.includes("/");
  const filter = isNetwork ? `addr in ${text}` : `addr = ${text}`;
  const found: Lookup[] = [
    { label: `Records of ${text}`, path: "/explore", filter },
    { label: `Watch ${text} live`, path: "/live", filter },
  ];
  if (isNetwork) return found;
  return [
    ...found,
    { label: `Interface with ${text}`, path: `/interfaces?search=${encodeURIComponent(text)}` },
    { label: `Why is ${text} rejected`, path: `/explain?destination=${encodeURIComponent(text)}` },
  ];
}
