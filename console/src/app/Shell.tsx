import { lazy, type ReactNode, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { reachable } from "../api/client";
import { refreshNow } from "../state/clock";
import { usePlace } from "../state/location";
import { Button } from "../ui/Button";
import { OpenSidebar } from "./Page";
import { Sidebar } from "./Sidebar";
import { ShortcutList, useShortcuts } from "./shortcuts";

const Palette = lazy(() => import("./Palette"));

/** What stands around every page: sidebar, banner, palette, shortcuts. */
export function Shell({ children }: { children: ReactNode }) {
  const [drawer, setDrawer] = useState(false);
  const [palette, setPalette] = useState(false);
  const [list, setList] = useState(false);
  useShortcuts({ palette: () => setPalette((was) => !was), list: () => setList(true) });
  const open = useCallback(() => setDrawer(true), []);
  const close = useCallback(() => setDrawer(false), []);
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
      {palette && (
        <Suspense>
          <Palette onClose={() => setPalette(false)} />
        </Suspense>
      )}
      {list && <ShortcutList onClose={() => setList(false)} />}
    </OpenSidebar.Provider>
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
