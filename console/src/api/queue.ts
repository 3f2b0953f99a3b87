/** Requests in flight at once: more would wait in the browser, out of order. */
export const IN_FLIGHT_MAX = 4;
/** Requests that wait; a page that asks for more has a fault. */
export const WAITING_MAX = 200;

interface Waiting {
  priority: () => number;
  number: number;
  start: () => void;
}

let inFlight = 0;
let counter = 0;
const waiting: Waiting[] = [];

/**
 * Runs work when there is room; the lowest priority number goes first.
 * Errors: AbortError when `signal` ends before its turn.
 */
export function enqueue<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  priority: () => number = () => 1,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (waiting.length >= WAITING_MAX) {
      reject(new Error(`more than ${WAITING_MAX} requests wait`));
      return;
    }
    const entry: Waiting = {
      priority,
      number: counter++,
      start: () => {
        signal.removeEventListener("abort", giveUp);
        inFlight += 1;
        work()
          .then(resolve, reject)
          .finally(() => {
            inFlight -= 1;
            startNext();
          });
      },
    };
    const giveUp = () => {
      const index = waiting.indexOf(entry);
      if (index >= 0) waiting.splice(index, 1);
      reject(new DOMException("given up", "AbortError"));
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    waiting.push(entry);
    // A page asks for all its panels in one go; the first of them should not be the first drawn.
    queueMicrotask(startNext);
  });
}

/** Whether anything is asked or waits to be. */
export function busy(): boolean {
  return inFlight > 0 || waiting.length > 0;
}

function startNext(): void {
  while (inFlight < IN_FLIGHT_MAX && waiting.length) {
    let best = 0;
    for (let index = 1; index < waiting.length; index += 1) {
      if (before(waiting[index] as Waiting, waiting[best] as Waiting)) best = index;
    }
    waiting.splice(best, 1)[0]?.start();
  }
}

function before(a: Waiting, b: Waiting): boolean {
  const difference = a.priority() - b.priority();
  return difference < 0 || (difference === 0 && a.number < b.number);
}
