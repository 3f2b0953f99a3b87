import { Menu as MenuIcon } from "lucide-react";
import { createContext, type ReactNode, useContext, useEffect } from "react";
import { RangeNotice } from "../time/RangeNotice";
import { IconButton } from "../ui/Button";

export const OpenSidebar = createContext<() => void>(() => {});

export interface PageFrameProps {
  title: string;
  /** Scope or count, beside the title. */
  subtitle?: ReactNode;
  /** Buttons at the right of the title. */
  actions?: ReactNode;
  /** Rows under the title that stick with it: filter box, brush. */
  tools?: ReactNode;
  /** A row with no padding at the sides: the brush. */
  edge?: ReactNode;
  children: ReactNode;
  /** Fills the window's height: for tables and maps that scroll within. */
  fill?: boolean;
  className?: string;
  /** Says that its tools have no time range: the page shows what comes now. */
  rangeless?: boolean;
}

/** The frame of every page: sticky top with title and actions, then its body. */
export function Page({ title, subtitle, actions, tools, edge, children, ...rest }: PageFrameProps) {
  const open = useContext(OpenSidebar);
  useEffect(() => {
    document.title = `${title} · vpcflow`;
  }, [title]);
  return (
    <div className={`page ${rest.fill ? "fill" : ""} ${rest.className ?? ""}`}>
      <header className={`top ${tools || edge ? "with-tools" : ""}`}>
        <div className="bar">
          <IconButton
            kind="plain"
            className="menu-button"
            label="Open the menu"
            icon={<MenuIcon size={16} />}
            onClick={open}
          />
          <h1>{title}</h1>
          {subtitle && <span className="sub">{subtitle}</span>}
          <span className="grow" />
          <div className="actions">{actions}</div>
        </div>
        {tools && <div className="tools-row">{tools}</div>}
        {edge}
      </header>
      <main id="main" className="body" tabIndex={-1}>
        {(tools || edge) && !rest.rangeless && <RangeNotice />}
        {children}
      </main>
    </div>
  );
}
