import { useEffect, useRef, useState, type ReactNode } from 'react';
import { exact } from '../../live/number';
import type { WidgetProps } from '../Field';
import { arrayOf, eachElement, leavesOf, nameOf, treeOf, typeOfBranch, type Branch, type Tree } from '../json/tree';
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
    const array = branches.find((b) => b.array !== undefined)?.array;
    form.edit(label, (config) => {
      put(config, member.path, next);
      if (array !== undefined) put(config, 'each', array + eachElement);
    });
  };
  const leaveOut = (b: Branch) => {
    const rest = items.filter((i) => i.path !== b.path);
    form.edit(`Leave out ${b.path}`, (config) => {
      put(config, member.path, rest);
      // What the first tick has proposed goes with the last one.
      if (b.array !== undefined && !form.config.position && !rest.some((i) => i.path?.startsWith(b.array + eachElement))) put(config, 'each', undefined);
    });
  };
  const toggle = (b: Branch) => (items.some((i) => i.path === b.path) ? leaveOut(b) : add(`Take ${b.path}`, [b]));
  const chosen = new Set(items.map((i) => i.path));
  const tree = sample.state === 'read' ? sample.tree : undefined;
  const array = arrayOf(form.config.each);
  const leaves = tree && tree.records > 0 ? leavesOf(tree.root, array) : [];
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
          <Branches list={tree.root.children.length > 0 ? tree.root.children : [tree.root]} records={tree.records} chosen={chosen} array={array} onToggle={toggle} />
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
  array: string | undefined; // that is iterated over
  onToggle(branch: Branch): void;
}

function Branches({ list, ...rest }: BranchesProps): ReactNode {
  return <ul>{list.map((b) => <BranchItem key={b.path} branch={b} {...rest} />)}</ul>;
}

const opened = 12; // children that are shown at once

function BranchItem({ branch, records, chosen, array, onToggle }: Omit<BranchesProps, 'list'> & { branch: Branch }): ReactNode {
  const other = branch.array !== undefined && array !== undefined && array !== branch.array; // a record cannot be of two arrays
  const element = branch.label === eachElement;
  const row = (
    <label className="form-json-branch" data-off={other || undefined} title={other ? `There is one record for each element of ${array}. Take ${branch.array} as list<json>, and its elements with another JSON Extract.` : branch.path}>
      <input type="checkbox" checked={chosen.has(branch.path)} disabled={other && !chosen.has(branch.path)} onChange={() => onToggle(branch)} />
      <span className="form-json-name">{branch.label}</span>
      <span className="form-json-kind">{element ? `each element: ${describe(branch, branch.present)}` : describe(branch, records)}</span>
    </label>
  );
  if (branch.children.length === 0) return <li>{row}</li>;
  return (
    <li>
      {row}
      <details open={opens(branch, array)}>
        <summary>{branch.children.length === 1 ? '1 part' : `${branch.children.length} parts`}<span className="visually-hidden"> of {branch.path}</span></summary>
        <Branches list={branch.children} records={element ? branch.present : records} chosen={chosen} array={array} onToggle={onToggle} />
      </details>
    </li>
  );
}

/** opens tells whether the parts of a branch are shown at once: of an array the one that is iterated over, or one of objects. */
function opens(branch: Branch, array: string | undefined): boolean {
  if (/^\[\d/.test(branch.label)) return false; // one element: mostly all are meant
  if (branch.kinds.list === undefined) return branch.children.length <= opened;
  const element = branch.children.find((c) => c.label === eachElement);
  return element !== undefined && element.kinds.object !== undefined && (array === undefined || array === branch.path);
}

/** describe says what a branch is, how often it is there, and an example. */
function describe(branch: Branch, records: number): string {
  const kinds = Object.entries(branch.kinds).filter(([kind]) => kind !== 'null');
  const parts = [kinds.length === 0 ? 'always null' : kinds.length === 1 ? kinds[0]![0] : kinds.map(([kind, n]) => `${exact(n)} ${kind}`).join(', ')];
  if (branch.present < records) parts.push(`in ${exact(branch.present)} of ${exact(records)}`);
  if (branch.kinds.null && kinds.length > 0) parts.push(`${exact(branch.kinds.null)} null`);
  if (branch.values[0] !== undefined) parts.push(`such as ${branch.values[0].length > 40 ? `${branch.values[0].slice(0, 40)}…` : branch.values[0]}`);
  return parts.join(' · ');
}
