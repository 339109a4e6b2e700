/** An item's picture, in a niche of fixed shape; drawn from its id when it has none, or none that can be shown. */
import { useState } from "preact/hooks";

interface Shown {
  id: string;
  imageUrl: string | null;
  isSold?: boolean;
}

export function Picture({ item, isEager = false }: { item: Shown; isEager?: boolean }) {
  const source = sourceOf(item.imageUrl);
  const [broken, setBroken] = useState<string>();
  return (
    <div class={item.isSold ? "niche is-sold" : "niche"}>
      {source && source !== broken ? (
        <img
          src={source}
          alt=""
          width="400"
          height="480"
          loading={isEager ? "eager" : "lazy"}
          decoding="async"
          referrerpolicy="no-referrer"
          onError={() => setBroken(source)}
        />
      ) : (
        <Drawn id={item.id} />
      )}
    </div>
  );
}

/** http(s), or a path of this server, whatever the item says: nothing that a browser would run. */
function sourceOf(url: string | null): string | undefined {
  if (!url || !URL.canParse(url, location.origin)) return undefined;
  const { protocol, href } = new URL(url, location.origin);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}

const grounds = ["#26306b", "#7d2b23", "#1d5c53", "#8a5a12", "#4c2a5e", "#2c4a66"];
const threads = ["#f0c55a", "#f3d9b1", "#e8a07a", "#a9d6c5"];

/** The same id always gives the same tiles. */
function numberOf(id: string): number {
  let hash = 2166136261;
  for (const letter of id) hash = Math.imul(hash ^ letter.codePointAt(0)!, 16777619);
  return (hash ^ (hash >>> 15)) >>> 0;
}

const star = (x: number, y: number, out: number, inner: number, points = 8) =>
  Array.from({ length: points * 2 }, (_, n) => {
    const [angle, reach] = [(Math.PI * n) / points, n % 2 === 0 ? out : inner];
    return `${(x + reach * Math.sin(angle)).toFixed(1)},${(y - reach * Math.cos(angle)).toFixed(1)}`;
  }).join(" ");

/** Eight-pointed stars and crosses, as on a tiled wall. */
function Drawn({ id }: { id: string }) {
  const number = numberOf(id);
  const ground = grounds[number % grounds.length]!;
  const thread = threads[(number >>> 4) % threads.length]!;
  const size = [80, 100, 133.4][(number >>> 8) % 3]!;
  const inner = 0.62 + ((number >>> 12) % 4) * 0.05;
  const name = `tiles-${id}`;
  return (
    <svg
      viewBox="0 0 400 480"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      focusable="false"
    >
      <defs>
        <pattern id={name} width={size} height={size} patternUnits="userSpaceOnUse">
          <g fill="none" stroke={thread} stroke-width="1.6" stroke-opacity="0.5">
            <polygon points={star(size / 2, size / 2, size / 2, (size / 2) * inner)} />
            <polygon
              points={star(size / 2, size / 2, size / 4, (size / 4) * inner)}
              fill={thread}
              fill-opacity="0.16"
            />
            <path d={`M0 0L${size} ${size}M${size} 0L0 ${size}`} stroke-opacity="0.16" />
          </g>
        </pattern>
      </defs>
      <rect width="400" height="480" fill={ground} />
      <rect width="400" height="480" fill={`url(#${name})`} />
      <polygon
        points={star(200, 258, 120, 120 * inner)}
        fill={ground}
        stroke={thread}
        stroke-width="5"
      />
      <polygon points={star(200, 258, 82, 82 * inner)} fill={thread} fill-opacity="0.9" />
      <polygon points={star(200, 258, 34, 34 * inner)} fill={ground} />
    </svg>
  );
}
