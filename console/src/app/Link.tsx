import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { hrefOf, navigate, usePlace } from "../state/location";

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  /** A path of this console, with an optional query. */
  to: string;
  /** False forgets range, filter and zone. */
  keep?: boolean;
}

/** A link within the console; it keeps the range and the filter. */
export function Link({ to, keep = true, onClick, ...rest }: LinkProps) {
  usePlace();
  const href = keep ? hrefOf(to) : to;
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (event.defaultPrevented || !plain || event.altKey || rest.target) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}
