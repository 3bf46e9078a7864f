// @vitest-environment jsdom
import { cleanup, render, waitFor } from '@testing-library/react';
import { afterEach, expect, test, vi } from 'vitest';
import { ExpressionField } from './ExpressionField';

const seen: boolean[] = [];

vi.mock('./codemirror', () => ({
  mountExpression: () => {
    queueMicrotask(() => seen.push(document.querySelector('textarea') !== null));
    return { update: () => {}, destroy: () => {} };
  },
}));

afterEach(cleanup);

test('nobody can come to the text area once the code editor is there', async () => {
  render(<ExpressionField id="x" label="Expression" value="" scope={{ fields: [], functions: [] } as never} problems={[]} onChange={() => {}} onBlur={() => {}} onUndo={() => {}} onRedo={() => {}} />);
  expect(document.querySelector('textarea')).not.toBeNull();
  await waitFor(() => expect(seen).toEqual([false]));
});
