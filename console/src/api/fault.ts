/** An error as the server tells it, or as the network gives it. */
export class Fault extends Error {
  /** HTTP status; 0 when the server could not be reached. */
  readonly status: number;
  readonly code: string;
  readonly where: string;
  readonly hint: string;
  /** The 0-based character of a filter or query at fault. */
  readonly position: number | null;

  constructor(
    status: number,
    told: {
      code: string;
      message: string;
      where?: string;
      hint?: string;
      position?: number | null;
    },
  ) {
    super(told.message);
    this.name = "Fault";
    this.status = status;
    this.code = told.code;
    this.where = told.where ?? "";
    this.hint = told.hint ?? "";
    this.position = told.position ?? null;
  }
}

/** Any thrown thing as a Fault. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault(0, { code: "ClientFailure", message });
}

/** Whether a request was given up by its own page. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
