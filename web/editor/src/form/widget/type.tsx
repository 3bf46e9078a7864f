import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { put } from '../path';
import { useForm } from '../scope';
import { TypeSelect } from '../TypeSelect';

export function TypeWidget({ member, value }: WidgetProps): ReactNode {
  const { edit, readOnly, seal } = useForm();
  return (
    <TypeSelect label={member.title} type={String(value ?? '')} readOnly={readOnly} onBlur={seal}
      onChange={(type, typing) => edit(`Set ${member.title}`, (config) => put(config, member.path, type), typing ? member.path : undefined)} />
  );
}

