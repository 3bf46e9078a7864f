import { useEffect, useRef, useState, type ReactNode } from 'react';
import { exact } from '../../live/number';
import type { WidgetProps } from '../Field';
import { leavesOf, nameOf, treeOf, typeOfBranch, type Branch, type Tree } from '../json/tree';
import { put } from '../path';
import { sentence } from '../problem';
import { useForm } from '../scope';
import { ListWidget } from './list';

interface Item { path?: string; name?: string; type?: string }

/** JSONFieldsWidget lists what is taken from a JSON text, under the tree of what the input's records have. */
export function JSONFieldsWidget(props: WidgetProps): ReactNode {
  const { readOnly, sampleOf } = useForm();
  return (
    <div className="form-json">
      {!readOnly && sampleOf && <SampleTree {...props} />}
      <ListWidget {...props} />
    </div>
  );
}

type Sample = { state: 'none' } | { state: 'reading' } | { state: 'failed'; reason: string } | { state: 'read'; tree: Tree };

function SampleTree({ member, value }: WidgetProps): ReactNode {
  const form = useForm();
  const field = String(form.config.field ?? '');
  const [sample, setSample] = useState<Sample>({ state: 'none' });
  const turn = useRef(0);
  useEffect(() => {
    turn.current++;
    setSample({ state: 'none' });
  }, [field]);
  const read = () => {
    const mine = ++turn.current;
    setSample({ state: 'reading' });
    form.sampleOf!(field).then(
      (texts) => mine === turn.current && setSample({ state: 'read', tree: treeOf(texts) }),
      (error: unknown) => mine === turn.current && setSample({ state: 'failed', reason: error instanceof Error ? error.message : String(error) }),
    );
  };
  const items = Array.isArray(value) ? (value as Item[]) : [];
  const taken = () => new Set([...form.inputs.flatMap((i) => (i.fields ?? []).map((f) => f.name)), ...items.map((i) => i.name ?? '')]);
  const add = (label: string, branches: readonly Branch[]) => {
    const names = taken();
    const next = [...items];
    for (const b of branches) {
      if (next.some((i) => i.path === b.path)) continue;
      const name = nameOf(b, names);
      names.add(name);
      next.push({ path: b.path, name, type: typeOfBranch(b) });
    }
    form.edit(label, (config) => put(config, member.path, next));
  };
  const toggle = (b: Branch) => {
    if (items.some((i) => i.path === b.path)) form.edit(`Leave out ${b.path}`, (config) => put(config, member.path, items.filter((i) => i.path !== b.path)));
    else add(`Take ${b.path}`, [b]);
  };
  const chosen = new Set(items.map((i) => i.path));
  const tree = sample.state === 'read' ? sample.tree : undefined;
  const leaves = tree && tree.records > 0 ? leavesOf(tree.root) : [];
  const missing = leaves.filter((b) => !chosen.has(b.path));
  return (
    <div className="form-json-sample">
      <div className="form-json-bar">
        <button type="button" className="form-button" disabled={field === '' || sample.state === 'reading'} onClick={read}>{tree ? 'Read the sample again' : 'Read a sample'}</button>
        {leaves.length > 0 && <button type="button" className="form-button" disabled={missing.length === 0} onClick={() => add('Add all', missing)}>{missing.length === 0 ? 'All are taken' : `Add all ${missing.length}`}</button>}
      </div>
      <p role="status" className="form-help">{saidOf(sample, field)}</p>
      {tree && tree.records > 0 && (
        <div className="form-json-tree" role="group" aria-label="What the sample has" tabIndex={-1}>
          <Branches list={tree.root.children.length > 0 ? tree.root.children : [tree.root]} records={tree.records} chosen={chosen} onToggle={toggle} />
        </div>
      )}
    </div>
  );
}

function saidOf(sample: Sample, field: string): string {
  switch (sample.state) {
    case 'none': return field === '' ? 'Choose the JSON field first.' : 'A sample shows what there is to take.';
    case 'reading': return 'Reading records…';
    case 'failed': return sentence(sample.reason);
    case 'read': break;
  }
  const { records, others } = sample.tree;
  if (records + others === 0) return 'No record arrives here.';
  if (records === 0) return `None of ${counted(others)} is JSON.`;
  return `From ${counted(records)}${others > 0 ? `; ${exact(others)} more ${others === 1 ? 'is' : 'are'} null or no JSON` : ''}. Tick what you need.`;
}

const counted = (n: number) => (n === 1 ? '1 record' : `${exact(n)} records`);

interface BranchesProps {
  list: readonly Branch[];
  records: number;
  chosen: ReadonlySet<string | undefined>;
  onToggle(branch: Branch): void;
}

function Branches({ list, ...rest }: BranchesProps): ReactNode {
  return <ul>{list.map((b) => <BranchItem key={b.path} branch={b} {...rest} />)}</ul>;
}

const opened = 12; // children that are shown at once

function BranchItem({ branch, records, chosen, onToggle }: Omit<BranchesProps, 'list'> & { branch: Branch }): ReactNode {
  const row = (
    <label className="form-json-branch" title={branch.path}>
      <input type="checkbox" checked={chosen.has(branch.path)} onChange={() => onToggle(branch)} />
      <span className="form-json-name">{branch.label}</span>
      <span className="form-json-kind">{describe(branch, records)}</span>
    </label>
  );
  if (branch.children.length === 0) return <li>{row}</li>;
  return (
    <li>
      {row}
      <details open={branch.kinds.list === undefined && branch.children.length <= opened}>
        <summary>{branch.children.length === 1 ? '1 part' : `${branch.children.length} parts`}<span className="visually-hidden"> of {branch.path}</span></summary>
        <Branches list={branch.children} records={records} chosen={chosen} onToggle={onToggle} />
      </details>
    </li>
  );
}

/** describe says what a branch is, how often it is there, and an example. */
function describe(branch: Branch, records: number): string {
  const kinds = Object.entries(branch.kinds).filter(([kind]) => kind !== 'null').map(([kind]) => kind);
  const parts = [kinds.length === 0 ? 'always null' : kinds.join(' or ')];
  if (branch.present < records) parts.push(`in ${exact(branch.present)} of ${exact(records)}`);
  if (branch.kinds.null && kinds.length > 0) parts.push(`${exact(branch.kinds.null)} null`);
  if (branch.values[0] !== undefined) parts.push(`such as ${branch.values[0].length > 40 ? `${branch.values[0].slice(0, 40)}…` : branch.values[0]}`);
  return parts.join(' · ');
}
