/** Tiles that are drawn from an id: the same id always gives the same picture. */
const grounds = ["#26306b", "#7d2b23", "#1d5c53", "#8a5a12", "#4c2a5e", "#2c4a66"];
const lines = ["#f0c55a", "#f3d9b1", "#e8a07a", "#a9d6c5"];

/** The FNV-1a hash of the id. */
function hashOf(id: string): number {
  let hash = 2166136261;
  for (const letter of id) hash = Math.imul(hash ^ letter.codePointAt(0)!, 16777619);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** The points of a star polygon, from its outer and inner radius. */
const star = (x: number, y: number, outer: number, inner: number, points = 8) =>
  Array.from({ length: points * 2 }, (_, n) => {
    const [angle, radius] = [(Math.PI * n) / points, n % 2 === 0 ? outer : inner];
    return `${(x + radius * Math.sin(angle)).toFixed(1)},${(y - radius * Math.cos(angle)).toFixed(1)}`;
  }).join(" ");

/** A pattern of stars behind one large star. */
export function Tiles({ id }: { id: string }) {
  const hash = hashOf(id);
  const ground = grounds[hash % grounds.length]!;
  const line = lines[(hash >>> 4) % lines.length]!;
  const size = [80, 100, 133.4][(hash >>> 8) % 3]!;
  const inner = 0.62 + ((hash >>> 12) % 4) * 0.05;
  const patternId = `tiles-${id}`;
  return (
    <svg
      viewBox="0 0 400 480"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      focusable="false"
    >
      <Pattern id={patternId} size={size} inner={inner} line={line} />
      <rect width="400" height="480" fill={ground} />
      <rect width="400" height="480" fill={`url(#${patternId})`} />
      <polygon
        points={star(200, 258, 120, 120 * inner)}
        fill={ground}
        stroke={line}
        stroke-width="5"
      />
      <polygon points={star(200, 258, 82, 82 * inner)} fill={line} fill-opacity="0.9" />
      <polygon points={star(200, 258, 34, 34 * inner)} fill={ground} />
    </svg>
  );
}

interface PatternProps {
  id: string;
  size: number;
  /** The inner radius of the stars, relative to the outer one. */
  inner: number;
  line: string;
}

const Pattern = ({ id, size, inner, line }: PatternProps) => (
  <defs>
    <pattern id={id} width={size} height={size} patternUnits="userSpaceOnUse">
      <g fill="none" stroke={line} stroke-width="1.6" stroke-opacity="0.5">
        <polygon points={star(size / 2, size / 2, size / 2, (size / 2) * inner)} />
        <polygon
          points={star(size / 2, size / 2, size / 4, (size / 4) * inner)}
          fill={line}
          fill-opacity="0.16"
        />
        <path d={`M0 0L${size} ${size}M${size} 0L0 ${size}`} stroke-opacity="0.16" />
      </g>
    </pattern>
  </defs>
);
