/** A token that no other request has. `crypto.randomUUID` is only there over HTTPS and on loopback. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
