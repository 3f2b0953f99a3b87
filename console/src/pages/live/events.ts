/** One server-sent event. */
export interface ServerEvent {
  name: string;
  id: string;
  data: string;
}

/** Characters of one event that are waited for; more is no stream of ours. */
const EVENT_CHARACTERS_MAX = 8_000_000;

/** Cuts a stream of text into server-sent events; an event counts once its empty line has come. */
export class EventReader {
  private rest = "";

  /** The events that are whole now. Errors: Error when one has no end. */
  push(text: string): ServerEvent[] {
    this.rest += text;
    const found: ServerEvent[] = [];
    for (;;) {
      const end = this.rest.indexOf("\n\n");
      if (end < 0) break;
      found.push(eventOf(this.rest.slice(0, end)));
      this.rest = this.rest.slice(end + 2);
    }
    if (this.rest.length > EVENT_CHARACTERS_MAX) throw new Error("an event without an end");
    return found;
  }
}

function eventOf(block: string): ServerEvent {
  const event: ServerEvent = { name: "message", id: "", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data += event.data ? `\n${value}` : value;
  }
  return event;
}
