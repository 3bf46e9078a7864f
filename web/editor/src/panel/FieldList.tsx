import type { ReactNode } from 'react';
import type { Field } from '../api/types';
import { signOf } from '../form/type';
import type { Change } from './schemaDifference';

interface Props {
  title: string;
  fields: readonly Field[] | undefined;
  unknown: string;
  changes?: ReadonlyMap<string, Change> | undefined;
  was?: ReadonlyMap<string, string> | undefined;
  removed?: readonly Field[];
}

/** FieldList shows the fields of a port; what is different from the input is told in words and colour. */
export function FieldList({ title, fields, unknown, changes, was, removed = [] }: Props): ReactNode {
  return (
    <section className="fields" aria-label={`Fields of ${title}`}>
      <h2>{title} <span className="faint small">{fields ? `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}` : ''}</span></h2>
      {fields === undefined ? <p className="faint">{unknown}</p> : (
        <ul>
          {fields.map((f) => <Row key={f.name} field={f} change={changes?.get(f.name)} was={was?.get(f.name)} />)}
          {removed.map((f) => <Row key={`-${f.name}`} field={f} change="removed" was={undefined} />)}
        </ul>
      )}
    </section>
  );
}

function Row({ field, change, was }: { field: Field; change: Change | undefined; was: string | undefined }): ReactNode {
  return (
    <li className="field-row" data-change={change}>
      <span className="grid-sign" aria-hidden="true">{signOf(field.type)}</span>
      <span className="field-name">{field.name}</span>
      <span className="field-type" title={field.type}>{was ? `${was} → ${field.type}` : field.type}</span>
      {change && <span className="field-change">{change}</span>}
    </li>
  );
}
