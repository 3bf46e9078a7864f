import { expect, test } from 'vitest';
import { Editor } from '../model/editor';
import { catalogue, flow } from '../model/fixture';
import { actionFor, actions, keyOf } from './index';
import { stepFrom } from './walk';

const press = (key: string, mods = '') => ({ key, ctrlKey: mods.includes('c'), metaKey: mods.includes('m'), altKey: mods.includes('a'), shiftKey: mods.includes('s') });

test('no key does two things', () => {
  const keys = actions.flatMap((action) => action.keys);
  expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  expect(new Set(actions.map((a) => a.id)).size).toBe(actions.length);
});

test.each([
  [press('z', 'c'), 'undo'], [press('Z', 'cs'), 'redo'], [press('y', 'c'), 'redo'], [press('z', 'm'), 'undo'], [press('Enter', 'c'), 'run'], [press('Enter', 's'), 'run-until'], [press('Enter'), 'open'],
  [press('A', 's'), 'tidy'], [press('a'), 'add'], [press('/'), 'add'], [press('?', 's'), 'help'], [press('a', 'c'), 'select-all'], [press('Delete', 'c'), 'delete-reconnect'], [press('ArrowRight', 'as'), 'nudge-right-4'],
])('%o is %s', (event, id) => {
  expect(actionFor(event, 'canvas')?.id).toBe(id);
});

test('single keys work on the canvas only, and typing is left alone', () => {
  expect(actionFor(press('d'), 'page')).toBeUndefined();
  expect(actionFor(press('a'), 'text')).toBeUndefined();
  expect(actionFor(press('z', 'c'), 'text')).toBeUndefined();
  expect(actionFor(press('z', 'c'), 'setting')?.id).toBe('undo');
  expect(actionFor(press('Escape'), 'setting')).toBeUndefined();
  expect(actionFor(press('z', 'c'), 'page')?.id).toBe('undo');
  expect(actionFor(press('Enter', 'c'), 'text')?.id).toBe('run');
  expect(keyOf(press('Tab', 's'))).toBe('Shift+Tab');
});

test('arrows follow the records, and begin at the first node', () => {
  const editor = new Editor(flow(), catalogue);
  expect(stepFrom({ editor }, 'right')).toBe('orders');
  editor.focusNode('orders');
  expect(stepFrom({ editor }, 'right')).toBe('paid');
  editor.focusNode('net');
  expect(stepFrom({ editor }, 'left')).toBe('paid');
  expect(stepFrom({ editor }, 'up')).toBeUndefined();
});
