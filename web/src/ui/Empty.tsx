import type { ComponentChildren } from "preact";
import { Star } from "./Star.tsx";

/** Stands for an empty list or a missing page. */
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty-state">
    <Star />
    <p class="empty-state-title">{title}</p>
    {children}
  </div>
);
