import type { CSSProperties, ReactNode } from 'react';
import type { Delivery } from '../api/types';
import { sentence } from '../form/problem';
import { useEditor } from '../shell/editor';

const words: Record<Delivery['guarantee'], { short: string; word: string; look: string }> = {
  'exactly-once': { short: '1×', word: 'Exactly once', look: 'succeeded' },
  'effectively-once': { short: '1× by key', word: 'Effectively once, by key', look: 'succeeded' },
  'at-least-once': { short: '≥ 1×', word: 'At least once: duplicates are possible', look: 'warning' },
};

/** useDelivery is what is promised for the records of an output. */
export function useDelivery(node: string): Delivery | undefined {
  return useEditor((s) => s.check.deliveries.find((d) => d.node === node));
}

/** said tells a promise in words. */
export function said(delivery: Delivery | undefined): string {
  return delivery ? `${words[delivery.guarantee].word}: ${delivery.reason}.` : '';
}

/** DeliveryMark is the promise at the end of an edge. Who reads with the keyboard hears it with the card. */
export function DeliveryMark({ delivery, style }: { delivery: Delivery; style: CSSProperties }): ReactNode {
  const { short, look } = words[delivery.guarantee];
  return <span className={`badge state-${look} edge-delivery nodrag nopan`} role="img" aria-label={`Delivery: ${said(delivery)}`} title={said(delivery)} style={style}>{short}</span>;
}

/** DeliveryField tells in the settings of an output what is promised for its records, and why. */
export function DeliveryField({ node }: { node: string }): ReactNode {
  const delivery = useDelivery(node);
  if (!delivery) return null;
  const { word, look } = words[delivery.guarantee];
  return (
    <div className="form-field" role="group" aria-label="Delivery">
      <span className="form-label">Delivery</span>
      <p className="delivery"><span className={`badge state-${look}`}>{word}</span></p>
      <p className="form-help">{sentence(delivery.reason)}</p>
    </div>
  );
}
