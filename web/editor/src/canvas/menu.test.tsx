// @vitest-environment jsdom
import { act, cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, test } from 'vitest';
import type { Client } from '../api/client';
import { LiveStore } from '../live/store';
import { catalogue, flow } from '../model/fixture';
import { Editor } from '../model/editor';
import { ServicesContext, type Services } from '../shell/editor';
import { Session } from '../shell/session';
import { menu as openMenu, perform } from '../action';
import { NodeMenu } from './NodeMenu';
import { View } from './view';

afterEach(cleanup);

function setup(readOnly = false) {
  const editor = new Editor(flow(), catalogue, { readOnly });
  const live = new LiveStore();
  const view = new View();
  let focused = 0;
  view.takeFocus = () => void focused++;
  const services: Services = { editor, client: {} as Client, live, view, session: new Session(editor, {} as Client, live, readOnly ? '' : 'f') };
  render(<ServicesContext value={services}><NodeMenu /></ServicesContext>);
  const open = (node: string) => act(() => {
    editor.focusNode(node);
    perform(openMenu, services);
  });
  return { editor, open, focused: () => focused, user: userEvent.setup() };
}

const names = () => screen.getAllByRole('menuitem').map((item) => item.querySelector('.menu-label')!.textContent);

test('the keyboard walks the menu of a node, skips what is not possible, and Esc gives the canvas the keyboard', async () => {
  const { editor, open, user, focused } = setup();
  open('out');
  expect(screen.getByRole('menu').getAttribute('aria-label')).toBe('Actions of out');
  expect(document.activeElement?.textContent).toContain('Configure');
  expect((screen.getByRole('menuitem', { name: /Insert a node/ }) as HTMLButtonElement).disabled).toBe(true); // nothing leaves an output
  await user.keyboard('{ArrowUp}');
  expect(document.activeElement?.textContent).toContain('Delete and connect');
  await user.keyboard('{ArrowDown}{End}{Home}r');
  expect(document.activeElement?.textContent).toContain('Run to here');
  await user.keyboard('r');
  expect(document.activeElement?.textContent).toContain('Rename');
  await user.keyboard('{Home}c{ArrowDown}');
  expect(document.activeElement?.textContent).toContain('Delete');
  await user.keyboard('{Escape}');
  expect(screen.queryByRole('menu')).toBeNull();
  expect([editor.state.menu, focused()]).toEqual([null, 1]);
});

test('an entry does what its key does, and the menu goes with its node', async () => {
  const { editor, open, user } = setup();
  open('paid');
  await user.click(screen.getByRole('menuitem', { name: 'Rename' }));
  expect([editor.state.renaming, editor.state.menu]).toEqual(['paid', null]);
  open('net');
  await user.click(screen.getByRole('menuitem', { name: 'Delete' }));
  expect(editor.state.document.nodes.map((n) => n.id)).toEqual(['orders', 'paid', 'out']);
  open('paid');
  act(() => void editor.undo());
  act(() => void editor.change('Gone', (doc) => void (doc.nodes = doc.nodes.filter((n) => n.id !== 'paid'))));
  expect(screen.queryByRole('menu')).toBeNull();
});

test('who may only look is offered nothing that edits', () => {
  const { open } = setup(true);
  open('paid');
  expect(names()).toEqual(['Configure', 'Preview', 'Open its rejects']);
});
