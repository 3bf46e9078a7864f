import type { ReactNode } from 'react';
import { Form, type WidgetProps } from '../Field';

/** ObjectWidget is a form inside the form. */
export function ObjectWidget({ member }: WidgetProps): ReactNode {
  return <div className="form-inside"><Form schema={member.schema} base={member.path} /></div>;
}
