// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, expect, test } from 'vitest';
import { actionFor, flowSettings, perform } from '../action';
import type { Client } from '../api/client';
import { LiveStore } from '../live/store';
import type { FlowDocument, FlowSettings } from '../model/document';
import { Editor } from '../model/editor';
import { catalogue } from '../model/fixture';
import { View } from '../canvas/view';
import { ServicesContext, type Services } from './editor';
import { FlowSettingsDialog } from './FlowSettingsDialog';
import { Session } from './session';

afterEach(cleanup);

function open(settings?: FlowSettings) {
  const document: FlowDocument = { format: 1, name: 'f', nodes: [], edges: [], ...(settings ? { settings } : {}) };
  const editor = new Editor(document, catalogue);
  const live = new LiveStore();
  const services: Services = { editor, client: {} as Client, live, session: new Session(editor, {} as Client, live, 'flow'), view: new View() };
  render(<ServicesContext value={services}><FlowSettingsDialog /></ServicesContext>);
  act(() => void perform(flowSettings, services));
  return editor;
}

test('the settings are opened by a key and changed in the document, one undo step each', () => {
  expect(actionFor({ key: ',', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false }, 'canvas')).toBe(flowSettings);
  const editor = open({ noCounts: true });
  fireEvent.change(screen.getByLabelText('Started while it runs'), { target: { value: 'skip' } });
  fireEvent.change(screen.getByLabelText('Memory of a run, in MB'), { target: { value: '51' } });
  fireEvent.change(screen.getByLabelText('Memory of a run, in MB'), { target: { value: '512' } });
  expect(editor.state.document.settings).toEqual({ noCounts: true, concurrency: 'skip', memoryMB: 512 });
  fireEvent.change(screen.getByLabelText('Memory of a run, in MB'), { target: { value: '' } });
  fireEvent.change(screen.getByLabelText('Started while it runs'), { target: { value: 'queue' } });
  expect(editor.state.document.settings).toEqual({ noCounts: true });
  fireEvent.click(screen.getByText('Close', { selector: '.primary' }));
  expect(editor.state.flowSettings).toBe(false);
});

test('what is no number is said and changes nothing; a default leaves nothing in the document', () => {
  const editor = open();
  fireEvent.change(screen.getByLabelText('Memory of a run, in MB'), { target: { value: '12' } });
  expect(screen.getByRole('alert').textContent).toContain('128 or more');
  expect(editor.state.document.settings).toBeUndefined();
  fireEvent.change(screen.getByLabelText('A record that a node refuses'), { target: { value: 'reject' } });
  fireEvent.change(screen.getByLabelText('A record that a node refuses'), { target: { value: 'fail' } });
  expect(editor.state.document.settings).toBeUndefined();
});
