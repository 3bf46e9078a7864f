// What the widgets of one node's form know and can do. ConfigPanel makes it from the editor; tests make their own.

import { createContext, useContext } from 'react';
import type { Catalogue, Column, Connection, Field, FlowError, Table } from '../api/types';
import type { Scope } from '../expression/completion';
import type { Config, Parameter } from '../model/document';

export interface InputFields {
  port: string;
  title: string;
  fields: readonly Field[] | undefined; // undefined: not connected, or not known yet
}

/** Discovered is what a database has, as it was some time ago. */
export interface Discovered<T> {
  items: readonly T[];
  at?: string; // when; nothing was found out yet without it
  reason?: string; // that it is not known for
  code?: string; // of the reason
  loading: boolean;
  refresh(): void; // asks the database again
  stop(): void; // waits no more
}

export interface FormScope {
  node: string;
  config: Config;
  problems: readonly FlowError[]; // of this node
  readOnly: boolean;
  sink: boolean; // writes: options are those of writing, a path may be of a new file
  catalogue: Catalogue;
  inputs: readonly InputFields[];
  parameters: readonly Parameter[];
  /** edit changes the config; calls with the same burst are one undo step while they follow each other. */
  edit(label: string, recipe: (config: Config) => void, burst?: string): void;
  seal(): void;
  undo(): void;
  redo(): void;
  secrets?: readonly string[]; // members whose secret is saved
  connections?: readonly Connection[] | undefined; // of the project; undefined: not known yet
  newConnection?(path: string): void; // makes one for the setting at the path
  tables?: Discovered<Table> | undefined; // that the node's connection reaches; undefined: not known yet
  columns?: Discovered<Column> | undefined; // of the table, or of the query
  /** sampleOf reads what a field of the input holds in the first records. */
  sampleOf?(field: string): Promise<readonly (string | null)[]>;
  chooseFile?(path: string): void; // opens the picker
  inspectFile?(path: string): void;
}

export const FormContext = createContext<FormScope | null>(null);

export function useForm(): FormScope {
  const scope = useContext(FormContext);
  if (!scope) throw new Error('there is no form around this widget');
  return scope;
}

/** inputsFor are the inputs that a setting sees: the one of its own name, such as a join's left, else all of them. */
export function inputsFor(scope: Pick<FormScope, 'inputs'>, member: string): readonly InputFields[] {
  const own = scope.inputs.filter((input) => input.port === member);
  return own.length > 0 ? own : scope.inputs;
}

/** fieldsFor lists the fields that a setting can name, each once. */
export function fieldsFor(scope: Pick<FormScope, 'inputs'>, member: string): (Field & { from?: string })[] {
  const inputs = inputsFor(scope, member);
  const seen = new Set<string>();
  return inputs.flatMap(({ title, fields = [] }) =>
    fields.flatMap((field) => {
      if (seen.has(field.name)) return [];
      seen.add(field.name);
      return [inputs.length > 1 ? { ...field, from: title } : field];
    }),
  );
}

export function expressionScope(scope: FormScope, member: string, aggregate: boolean): Scope {
  return { fields: fieldsFor(scope, member), functions: scope.catalogue.functions, parameters: scope.parameters, aggregate };
}
