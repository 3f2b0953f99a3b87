/** One cursor for all charts of a group: who is pointed at tells the others the time. */

type Listener = (time_s: number | null) => void;

const groups = new Map<string, Set<Listener>>();

export function joinCursor(group: string, listener: Listener): () => void {
  const members = groups.get(group) ?? new Set();
  members.add(listener);
  groups.set(group, members);
  return () => {
    members.delete(listener);
    if (members.size === 0) groups.delete(group);
  };
}

export function tellCursor(group: string, from: Listener, time_s: number | null): void {
  for (const listener of groups.get(group) ?? []) if (listener !== from) listener(time_s);
}
