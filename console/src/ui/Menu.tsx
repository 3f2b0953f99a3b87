import {
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
import { IconButton } from "./Button";
import { Popover } from "./Popover";

export interface MenuItem {
  label: string;
  onSelect?: () => void;
  icon?: ReactNode;
  /** Shown at the right: a shortcut or a value. */
  hint?: ReactNode;
  disabled?: boolean;
  /** Draws it in red. */
  danger?: boolean;
  /** Whether it is chosen; makes it a radio entry. */
  checked?: boolean;
  /** A line above it. */
  separated?: boolean;
}

export interface MenuProps {
  label: string;
  items: MenuItem[];
  /** Draws the trigger as an icon button. */
  icon?: ReactNode;
  /** Draws the trigger as a button with this on it. */
  children?: ReactNode;
  align?: "start" | "end";
  buttonClass?: string;
}

/** A button that opens a list of actions. */
export function Menu({ label, items, icon, children, align = "end", buttonClass }: MenuProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => setOpen(false), []);
  const trigger = {
    ref: button,
    "aria-haspopup": "menu" as const,
    "aria-expanded": open,
    onClick: () => setOpen((was) => !was),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== "ArrowDown" || open) return;
      event.preventDefault();
      setOpen(true);
    },
  };
  return (
    <>
      {children ? (
        <button type="button" {...trigger} aria-label={label} className={buttonClass ?? "btn"}>
          {children}
        </button>
      ) : (
        <IconButton {...trigger} label={label} icon={icon} className={buttonClass} />
      )}
      {open && (
        <Popover anchor={button} onClose={close} align={align}>
          <MenuList
            label={label}
            items={items}
            onClose={close}
            onDone={() => button.current?.focus()}
          />
        </Popover>
      )}
    </>
  );
}

interface MenuListProps {
  label: string;
  items: MenuItem[];
  onClose: () => void;
  onDone?: () => void;
}

/** The list of a menu, for those who place it themselves. */
export function MenuList({ label, items, onClose, onDone }: MenuListProps) {
  const list = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(() =>
    Math.max(
      0,
      items.findIndex((item) => item.checked),
    ),
  );
  useEffect(() => {
    // The popover is placed before it is shown; what is hidden takes no focus.
    const frame = requestAnimationFrame(() => {
      list.current?.querySelectorAll<HTMLElement>("[data-item]")[at]?.focus();
    });
    return () => cancelAnimationFrame(frame);
  }, [at]);
  const move = (event: KeyboardEvent) => {
    const next = stepOf(event.key, at, items.length);
    if (next !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      setAt(next);
    } else if (event.key === "Tab") {
      onClose();
      onDone?.();
    } else if (/^\w$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      event.stopPropagation();
      const found = items.findIndex((item) => item.label.toLowerCase().startsWith(event.key));
      if (found >= 0) setAt(found);
    }
  };
  return (
    <div ref={list} role="menu" tabIndex={-1} aria-label={label} className="menu" onKeyDown={move}>
      {items.map((item, index) => (
        // biome-ignore lint/a11y/useAriaPropsSupportedByRole: the role and its state come together
        <button
          key={item.label}
          type="button"
          data-item
          role={item.checked === undefined ? "menuitem" : "menuitemradio"}
          aria-checked={item.checked}
          tabIndex={index === at ? 0 : -1}
          disabled={item.disabled}
          className={`${item.danger ? "danger" : ""} ${item.separated ? "separated" : ""}`}
          onClick={() => {
            onClose();
            onDone?.();
            item.onSelect?.();
          }}
        >
          {item.icon}
          <span>{item.label}</span>
          {item.hint && <span className="hint">{item.hint}</span>}
        </button>
      ))}
    </div>
  );
}

/** Where a key moves in a list of `count`; undefined when it does not. */
export function stepOf(key: string, at: number, count: number): number | undefined {
  if (count === 0) return undefined;
  if (key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowUp") return (at - 1 + count) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : undefined;
}
