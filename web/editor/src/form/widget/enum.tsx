import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { wordOf, type Member } from '../schema';
import { useForm } from '../scope';

/** segmented tells whether the values stand side by side: few, short, and always one of them chosen. */
export function segmented(member: Member): boolean {
  const values = member.schema.enum ?? [];
  return values.length <= 4 && values.every((v) => v.length <= 12) && (member.required || values.includes(String(member.fallback)));
}

/** EnumWidget chooses one of few values. A value that is none of them stays visible. */
export function EnumWidget(props: WidgetProps): ReactNode {
  return segmented(props.member) ? <Segments {...props} /> : <Select {...props} />;
}

function Segments({ member, value, id }: WidgetProps): ReactNode {
  const { edit, readOnly } = useForm();
  const chosen = String(value ?? member.fallback ?? '');
  return (
    <div className="form-segments">
      {member.schema.enum!.map((v) => (
        <label key={v} className="form-segment">
          <input type="radio" name={id} value={v} checked={v === chosen} disabled={readOnly}
            onChange={() => edit(`Set ${member.title}`, (config) => put(config, member.path, v))} />
          <span>{wordOf(v)}</span>
        </label>
      ))}
    </div>
  );
}

const spaceWords: Record<string, string> = { ' ': 'Space', ',': 'Comma  ,', '.': 'Point  .', "'": "Apostrophe  '" };

function Select({ member, value, id, describedBy, invalid }: WidgetProps): ReactNode {
  const { edit, readOnly, catalogue } = useForm();
  const values = member.schema.enum ?? [];
  const chosen = String(value ?? member.fallback ?? '');
  const titles = new Map(catalogue.formats.map((f) => [f.name, f.title]));
  const word = (v: string) => (member.name === 'format' && titles.get(v)) || (spaceWords[v] ?? wordOf(v));
  const implied = impliedOf(member);
  const strange = chosen !== '' && !values.includes(chosen);
  return (
    <select id={id} className="form-input" value={chosen || implied} disabled={readOnly} aria-describedby={describedBy} aria-invalid={invalid || undefined}
      onChange={(e) => edit(`Set ${member.title}`, (config) => put(config, member.path, e.target.value === '' ? undefined : e.target.value))}>
      {implied === '' && (member.fallback === undefined || chosen === '') && <option value="">{emptyWord(member)}</option>}
      {strange && <option value={chosen}>{chosen}</option>}
      {values.map((v) => <option key={v} value={v}>{word(v)}</option>)}
    </select>
  );
}

/** impliedOf is the value that counts while none is chosen, where the help names one: "Empty: ascending." */
export function impliedOf(member: Member): string {
  const word = emptyWord(member);
  return member.schema.enum?.find((v) => wordOf(v) === word) ?? '';
}

/** emptyWord says what an empty value means where the help does: "Empty: by the file's extension." */
function emptyWord(member: Member): string {
  const meaning = /Empty: ([^.]+)\./.exec(member.help)?.[1];
  return meaning ? meaning[0]!.toUpperCase() + meaning.slice(1) : '—';
}
