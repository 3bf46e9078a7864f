import type { ReactNode } from 'react';
import type { Format } from '../../api/types';
import { Form, type WidgetProps } from '../Field';
import type { Schema } from '../schema';
import { useForm } from '../scope';

/** formatOf finds the format of a file node: the one that is set, else by the file's extension, that of .gz left away. */
export function formatOf(formats: readonly Format[], name: unknown, path: unknown): Format | undefined {
  if (typeof name === 'string' && name !== '') return formats.find((f) => f.name === name);
  const file = String(path ?? '').toLowerCase().replace(/\.gz$/, '');
  const extension = /\.[^./]*$/.exec(file)?.[0];
  return extension ? formats.find((f) => f.extensions.includes(extension)) : undefined;
}

/** OptionsWidget is the form of the options that the node's format has. */
export function OptionsWidget({ member }: WidgetProps): ReactNode {
  const { catalogue, config, sink } = useForm();
  const format = formatOf(catalogue.formats, config.format, config.path);
  if (!format) return <p className="form-help">Choose a file or a format first.</p>;
  const schema = (sink ? format.writeOptions : format.readOptions) as Schema | undefined;
  if (!schema?.properties || Object.keys(schema.properties).length === 0) return <p className="form-help">{format.title} has no options.</p>;
  return <div className="form-inside"><Form key={format.name} schema={schema} base={member.path} /></div>;
}
