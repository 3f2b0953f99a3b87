import { loadSession, reachable } from "../api/client";

/** How often a page's code is asked for while the server answers; then the fault is the code's. */
const TRIES_MAX = 2;

/**
 * Loads a page's code. While the server does not answer it waits, as the banner says, and asks again
 * when the server is back: a page that was opened in between comes by itself.
 */
export async function loadPatiently<T>(
  load: () => Promise<T>,
  look: () => Promise<unknown> = loadSession,
): Promise<T> {
  for (let tried = 1; ; ) {
    try {
      return await load();
    } catch (error) {
      // A script that does not come says nothing of why; a question to the server does.
      await look().catch(() => undefined);
      if (!reachable.get()) await comesBack();
      else if (tried++ >= TRIES_MAX) throw error;
    }
  }
}

function comesBack(): Promise<void> {
  return new Promise((done) => {
    const end = reachable.subscribe(() => {
      if (!reachable.get()) return;
      end();
      done();
    });
  });
}
