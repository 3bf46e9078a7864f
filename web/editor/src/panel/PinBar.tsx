import { Pin as PinIcon, PinOff } from 'lucide-react';
import type { ReactNode } from 'react';
import { can, perform, pin as action } from '../action';
import type { Pin } from '../api/types';
import { exact } from '../live/number';
import { useEditor, useServices } from '../shell/editor';
import { pinLook, pinOf } from './pin';
import { nodeTitle } from './use';

/** PinButton pins what the node's preview shows, or unpins it. */
export function PinButton({ node }: { node: string }): ReactNode {
  const services = useServices();
  const pinned = useEditor((s) => pinOf(s, node) !== undefined);
  const changed = useEditor((s) => pinLook(s, node) === 'changed');
  const busy = useEditor((s) => s.pinning === node);
  const possible = useEditor(() => can(action, services));
  if (!possible && !pinned) return null;
  const Icon = pinned ? PinOff : PinIcon;
  return (
    <>
      {changed && <button type="button" className="form-button preview-pin" disabled={busy} onClick={() => void services.session.pin(node)}>Pin again</button>}
      <button type="button" className="form-button preview-pin" disabled={busy} title="Previews begin at pinned records; a run never uses them (Shift+P)" onClick={() => perform(action, services)}>
        <Icon size={13} aria-hidden="true" />{busy ? 'Pinning…' : pinned ? 'Unpin' : 'Pin'}
      </button>
    </>
  );
}

/** PinChip says what a preview began at. */
export function PinChip({ pins, node }: { pins: readonly Pin[]; node: string }): ReactNode {
  const document = useEditor((s) => s.document);
  if (pins.length === 0) return <span className="badge state-idle">Sample</span>;
  const changed = pins.some((p) => p.changed);
  const names = pins.map((p) => (p.node === node ? '' : nodeTitle(document, p.node))).filter(Boolean).join(', ');
  return <span className={`badge ${changed ? 'state-warning' : 'state-running'}`} title="A run never uses pinned records"><PinIcon size={12} aria-hidden="true" />{changed ? 'Pinned with other fields' : 'Pinned'}{names && `: ${names}`}</span>;
}

/** pinnedText says which records are pinned, and when and where they were read. */
export function pinnedText(pins: readonly Pin[], title: (node: string) => string): string {
  return pins.map((p) => {
    const records = p.ports.reduce((sum, port) => sum + port.records, 0);
    const at = new Date(p.at);
    const day = at.toDateString() === new Date().toDateString() ? '' : `${at.toLocaleDateString([], { day: 'numeric', month: 'short' })} `;
    return `${p.ports.some((port) => port.more) ? 'first ' : ''}${exact(records)} pinned ${records === 1 ? 'record' : 'records'} of ${title(p.node)}, read ${day}${at.toLocaleTimeString([], { hour12: false })}${p.environment ? ` in ${p.environment}` : ''}`;
  }).join(' · ') + ' · runs do not use them';
}
