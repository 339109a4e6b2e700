import { useLayoutEffect } from "preact/hooks";
import { announce } from "../announcer.ts";
import { address, firstKey } from "../router.ts";
import { t } from "../texts.ts";
import { setWindowTitle } from "../window-title.ts";

/** Longer titles, in characters, are set in a smaller font. */
const longTitle = 70;

interface TitleProps {
  children: string;
  /** The title of the window. */
  windowTitle?: string;
  isHidden?: boolean;
}

/** The server's description and address are those of the first view. */
function describePage(title: string): void {
  if (address.get().key === firstKey) return;
  document.querySelector('meta[name="description"]')?.setAttribute("content", title);
  const url = location.origin + address.get().path;
  document.querySelector('link[rel="canonical"]')?.setAttribute("href", url);
}

/** The view's heading and the window's title. Screen readers announce it when the visitor navigates to the view. */
export function Title({
  children,
  windowTitle = t.frame.windowTitle(children),
  isHidden = false,
}: TitleProps) {
  useLayoutEffect(() => {
    setWindowTitle(windowTitle);
    describePage(windowTitle);
    if (address.get().key !== firstKey) announce(children);
  }, [children, windowTitle]);
  const size = children.length > longTitle ? "title is-long" : "title";
  return (
    <h1 class={isHidden ? "visually-hidden" : size} dir="auto">
      {children}
    </h1>
  );
}
