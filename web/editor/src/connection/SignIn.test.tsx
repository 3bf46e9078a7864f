// @vitest-environment jsdom
import { cleanup, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError, type Client } from '../api/client';
import type { Connection, SignIn as State } from '../api/types';
import { FormContext, type FormScope } from '../form/scope';
import { SignIn } from './SignIn';

const connection = { id: 'c1', name: 'shop' } as Connection;
let state: State;
const client = {
  oauth: async () => ({ redirectUrl: 'http://127.0.0.1:8080/api/v1/oauth/callback' }),
  signedIn: async () => state,
  beginSignIn: vi.fn(async () => ({ url: 'https://login.example.com/authorize?state=x' })),
} as unknown as Client;

beforeEach(() => {
  state = { renews: false };
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const show = (save: () => Promise<Connection | null> = async () => connection) => render(<FormContext value={{ readOnly: false } as FormScope}><SignIn client={client} connection={connection} disabled={false} save={save} /></FormContext>);

test('where the browser keeps the window from opening there is a link', async () => {
  vi.spyOn(window, 'open').mockReturnValue(null);
  show();
  await userEvent.click(screen.getByRole('button', { name: 'Sign in' }));
  expect((await screen.findByRole('link')).getAttribute('href')).toBe('https://login.example.com/authorize?state=x');
  expect(screen.getByRole('status').textContent).toContain('kept the window from opening');
});

test('the window is closed where the connection cannot be saved, and where the server refuses', async () => {
  const close = vi.fn();
  vi.spyOn(window, 'open').mockReturnValue({ close } as unknown as Window);
  show(async () => null);
  await userEvent.click(screen.getByRole('button', { name: 'Sign in' }));
  expect(close).toHaveBeenCalledTimes(1);
  cleanup();
  show(async () => { throw new ApiError(422, 'sign_in.none', 'nobody has to sign in'); });
  await userEvent.click(screen.getByRole('button', { name: 'Sign in' }));
  expect(close).toHaveBeenCalledTimes(2);
  await screen.findByText(/Nobody has to sign in/);
});

test('it tells how it stands', async () => {
  state = { at: '2026-11-28T08:00:00Z', scope: 'products.read', renews: true };
  show();
  await screen.findByText(/Signed in .* products\.read/);
  expect(screen.queryByRole('note')).toBeNull();
  cleanup();
  state = { at: '2026-11-28T08:00:00Z', renews: false, until: '2026-11-28T09:00:00Z' };
  show();
  expect((await screen.findByRole('note')).textContent).toContain('offline_access');
  cleanup();
  state = { at: '2026-11-28T08:00:00Z', renews: true, lost: 'invalid_grant' };
  show();
  await screen.findByText(/not valid any more \(invalid grant\)/);
  screen.getByRole('button', { name: 'Sign in again' });
});
