import type { Cell } from "../../api/types";

/** Seconds that the little chart shows. */
export const RATE_SECONDS = 120;
/** The rate in figures is of this many whole seconds. */
const FIGURE_SECONDS = 10;

/** Records a second. */
export interface Rate {
  accepted: number;
  rejected: number;
}

/** Counts arrivals by second. Units: moments in milliseconds. */
export class ArrivalRates {
  private counts = new Map<number, Rate>();
  private began = 0;

  add(now: number, rows: number, actions: readonly Cell[] | undefined): void {
    const second = Math.floor(now / 1000);
    if (!this.began) this.began = second;
    const own = this.counts.get(second) ?? { accepted: 0, rejected: 0 };
    let rejected = 0;
    for (let row = 0; row < rows; row += 1) if (actions?.[row] === "REJECT") rejected += 1;
    own.accepted += rows - rejected;
    own.rejected += rejected;
    this.counts.set(second, own);
    for (const old of this.counts.keys()) {
      if (old >= second - RATE_SECONDS) break;
      this.counts.delete(old);
    }
  }

  /** The last whole seconds, the oldest first. */
  seconds(now: number): Rate[] {
    const end = Math.floor(now / 1000);
    return Array.from(
      { length: RATE_SECONDS },
      (_, at) => this.counts.get(end - RATE_SECONDS + at) ?? { accepted: 0, rejected: 0 },
    );
  }

  /** The mean of the last whole seconds. */
  mean(now: number): Rate {
    const end = Math.floor(now / 1000);
    const since = Math.max(end - FIGURE_SECONDS, this.began || end);
    const sum = { accepted: 0, rejected: 0 };
    for (const own of this.seconds(now).slice(since - end + RATE_SECONDS)) {
      sum.accepted += own.accepted;
      sum.rejected += own.rejected;
    }
    const length = Math.max(1, end - since);
    return { accepted: sum.accepted / length, rejected: sum.rejected / length };
  }
}
