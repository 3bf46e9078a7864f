import { Ban, Check, Circle, Clock, LoaderCircle, OctagonX, TriangleAlert } from 'lucide-react';
import type { CardState } from './card';

const icons = { idle: Circle, queued: Clock, running: LoaderCircle, succeeded: Check, warning: TriangleAlert, failed: OctagonX, skipped: Ban };

export function StateBadge({ look, word }: CardState) {
  const Icon = icons[look];
  return (
    <span className={`badge state-${look}`}>
      <Icon size={12} strokeWidth={2.5} aria-hidden="true" className={look === 'running' ? 'spin' : undefined} />
      {word}
    </span>
  );
}
