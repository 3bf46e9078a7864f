import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

export interface Choice {
  value: string;
  detail?: string;
}

interface Props {
  id: string;
  value: string;
  choices: readonly Choice[];
  placeholder?: string | undefined;
  readOnly?: boolean;
  invalid?: boolean;
  describedBy?: string | undefined;
  references?: ((typed: string) => Choice[] | undefined) | undefined; // what is offered instead while a parameter is written
  nothing: string; // said where there is nothing to choose from
  clears?: boolean; // empties itself after a choice, as where values are collected
  label?: string;
  what?: string; // of one choice; a field, unless it is said
  onType?(value: string): void;
  onChoose(value: string): void;
  onBlur?(): void;
}

/** matching lists the choices whose value contains what is typed, beginnings first. */
export function matching(choices: readonly Choice[], typed: string): Choice[] {
  const wanted = typed.toLowerCase();
  const place = (c: Choice) => c.value.toLowerCase().indexOf(wanted);
  return choices.filter((c) => place(c) >= 0).sort((a, b) => Number(place(a) > 0) - Number(place(b) > 0));
}

/** Combo is a text with a list of what fits: type to search, arrows to move, Enter to choose. Any text may be kept. */
export function Combo(props: Props): ReactNode {
  const { id, value, choices, readOnly, clears, what = 'field' } = props;
  const list = useId();
  const [open, setOpen] = useState(false);
  const [search, setSearch] = useState<string | null>(null); // null: nothing typed since it opened, all are listed
  const [active, setActive] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const found = (search !== null && props.references?.(search)) || matching(choices, search ?? '');
  const at = Math.min(active, found.length - 1);
  const show = () => {
    if (readOnly || open) return;
    setOpen(true);
    setActive(Math.max(0, choices.findIndex((c) => c.value === value)));
  };
  const close = () => {
    setOpen(false);
    setSearch(null);
  };
  const choose = (choice: Choice | undefined) => {
    if (choice) props.onChoose(choice.value);
    else if (clears && search) props.onChoose(search);
    close();
  };
  const type = (text: string) => {
    setSearch(text);
    setActive(0);
    setOpen(true);
    props.onType?.(text);
  };
  const key = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      if (!open) show();
      else setActive((at + (e.key === 'ArrowDown' ? 1 : -1) + found.length) % Math.max(1, found.length));
    } else if (e.key === 'Enter' && open) {
      e.preventDefault();
      choose(found[at]);
    } else if (e.key === 'Escape' && open) {
      e.stopPropagation();
      close();
    }
  };
  return (
    <div className="form-combo" ref={box} onBlur={(e) => {
      if (box.current?.contains(e.relatedTarget)) return;
      close();
      props.onBlur?.();
    }}>
      <input id={id} className="form-input" role="combobox" aria-expanded={open} aria-controls={list} aria-autocomplete="list" aria-label={props.label} data-own-undo={clears || undefined}
        aria-activedescendant={open && found[at] ? `${list}-${at}` : undefined} aria-describedby={props.describedBy} aria-invalid={props.invalid || undefined}
        value={clears ? (search ?? '') : value} placeholder={props.placeholder} readOnly={readOnly} autoComplete="off" spellCheck={false}
        onChange={(e) => type(e.target.value)} onClick={show} onKeyDown={key} />
      <ul id={list} role="listbox" className="form-choices" hidden={!open} aria-label={what[0]!.toUpperCase() + what.slice(1) + 's'}>
        {found.map((c, i) => (
          <li key={c.value} id={`${list}-${i}`} role="option" aria-selected={i === at} className="form-choice"
            onPointerDown={(e) => e.preventDefault()} onClick={() => choose(c)}>
            <span>{c.value}</span><span className="form-choice-detail">{c.detail}</span>
          </li>
        ))}
        {found.length === 0 && <li className="form-choice-none" role="option" aria-selected={false} aria-disabled="true">{choices.length === 0 ? props.nothing : `No ${what} matches`}</li>}
      </ul>
    </div>
  );
}
