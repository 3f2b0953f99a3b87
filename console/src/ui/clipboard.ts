import { toast } from "./Toast";

/** Puts a text into the clipboard; `said` is told when it is there. False where it is not allowed. */
export async function copyText(text: string, said = "Copied"): Promise<boolean> {
  const done = await put(text);
  if (!done) toast("The browser does not allow to copy", { kind: "error" });
  else if (said) toast(said);
  return done;
}

async function put(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Over plain HTTP from another machine there is no clipboard, only the old way.
    return copySelected(text);
  }
}

function copySelected(text: string): boolean {
  const before = document.activeElement as HTMLElement | null;
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "sr";
  // Within a modal dialog: what is outside of it takes no selection.
  (before?.closest("dialog") ?? document.body).append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  return done;
}
