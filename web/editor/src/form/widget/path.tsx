import type { ReactNode } from 'react';
import type { WidgetProps } from '../Field';
import { useForm } from '../scope';
import { TextWidget } from './text';

/** PathWidget names a file below a data folder: typed, or chosen in the picker. */
export function PathWidget(props: WidgetProps): ReactNode {
  const { readOnly, chooseFile, inspectFile, sink } = useForm();
  const path = String(props.value ?? '');
  return (
    <div className="form-path">
      <TextWidget {...props} />
      {!readOnly && chooseFile && <button type="button" className="form-button" onClick={() => chooseFile(path)}>Browse…</button>}
      {!readOnly && !sink && inspectFile && path && <button type="button" className="form-button" onClick={() => inspectFile(path)} title="Propose format, options and fields from the file">Inspect</button>}
    </div>
  );
}
