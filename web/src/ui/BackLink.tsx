import type { ComponentChildren } from "preact";
import { Icon } from "./Icon.tsx";

export const BackLink = ({ href, children }: { href: string; children: ComponentChildren }) => (
  <a class="back-link" href={href}>
    <Icon name="back" />
    {children}
  </a>
);
