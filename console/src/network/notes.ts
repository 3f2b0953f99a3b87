/** Notes of an answer as sentences of one line. */
export function notesText(notes: readonly string[] | undefined): string {
  return (notes ?? []).map((note) => (/[.!?]$/.test(note) ? note : `${note}.`)).join(" ");
}
