import type { NodeType } from '../api/types';

/** TypeIcon is the chip of a node type. The served SVG is a mask, so that it can run no script and takes our colours. */
export function TypeIcon({ type, category }: { type: NodeType | undefined; category?: string }) {
  const icon = type?.icon ? `url("data:image/svg+xml,${encodeURIComponent(type.icon.trim())}")` : 'none';
  return (
    <span className="chip" style={{ background: `var(--cat-${type?.category ?? category ?? 'control'})` }} aria-hidden="true">
      <span className="chip-icon" style={{ maskImage: icon, WebkitMaskImage: icon }} />
    </span>
  );
}
