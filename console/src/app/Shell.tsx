import { lazy, type ReactNode, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { reachable } from "../api/client";
import { refreshNow } from "../state/clock";
import { usePlace } from "../state/location";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { OpenSidebar } from "./Page";
import { Sidebar } from "./Sidebar";
import { ShortcutList, useShortcuts } from "./shortcuts";

const loadPalette = () => import("./Palette");
const Palette = lazy(loadPalette);
/** The palette is fetched so long after the shell is there. Units: milliseconds. */
const PALETTE_AFTER_MS = 2_000;

/** What stands around every page: sidebar, banner, palette, shortcuts. */
export function Shell({ children }: { children: ReactNode }) {
  const [drawer, setDrawer] = useState(false);
  const [palette, setPalette] = useState(false);
  const [list, setList] = useState(false);
  useShortcuts({ palette: () => setPalette((was) => !was), list: () => setList(true) });
  const open = useCallback(() => setDrawer(true), []);
  const close = useCallback(() => setDrawer(false), []);
  useEffect(() => {
    const timer = window.setTimeout(() => loadPalette().catch(() => undefined), PALETTE_AFTER_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <OpenSidebar.Provider value={open}>
      <button type="button" className="skip" onClick={skipToMain}>
        Skip to the page
      </button>
      <div className="app">
        <nav className="side" aria-label="Main">
          <Sidebar />
        </nav>
        <div className="main">
          <ServerBanner />
          {children}
        </div>
      </div>
      {drawer && <SideDrawer onClose={close} />}
      {palette && <PaletteBox onClose={() => setPalette(false)} />}
      {list && <ShortcutList onClose={() => setList(false)} />}
    </OpenSidebar.Provider>
  );
}

/** The palette; what is typed before it is there is typed into it. */
function PaletteBox({ onClose }: { onClose: () => void }) {
  const typed = useRef("");
  const waiting = (
    <Dialog title="Commands" onClose={onClose} bare className="palette">
      <input
        data-autofocus
        className="palette-input"
        aria-label="Command"
        onChange={(event) => {
          typed.current = event.target.value;
        }}
      />
    </Dialog>
  );
  return (
    <Suspense fallback={waiting}>
      <Palette onClose={onClose} typedBefore={typed} />
    </Suspense>
  );
}

function skipToMain(): void {
  document.getElementById("main")?.focus();
}

function SideDrawer({ onClose }: { onClose: () => void }) {
  const box = useRef<HTMLDialogElement>(null);
  const { path } = usePlace();
  const opened = useRef(path);
  useEffect(() => {
    box.current?.showModal();
  }, []);
  useEffect(() => {
    if (path !== opened.current) onClose();
  }, [path, onClose]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc is the key for it
    <dialog
      ref={box}
      className="side-drawer"
      aria-label="Main menu"
      onCancel={onClose}
      onClick={(event) => event.target === box.current && onClose()}
    >
      <nav className="side" aria-label="Main">
        <Sidebar onFollow={onClose} />
      </nav>
    </dialog>
  );
}

function ServerBanner() {
  const online = reachable.use();
  if (online) return null;
  return (
    <div className="banner" role="alert">
      <span>The server does not answer. What you see is what it said last.</span>
      <Button size="sm" onClick={refreshNow}>
        Try now
      </Button>
    </div>
  );
}
