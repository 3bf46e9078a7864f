import { createHash } from 'node:crypto';
import { createServer, type Server as Api } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, keep, launch, look, open } from './page';
import { serve, type Server } from './server';

// Somebody signs in to an API in a window of its provider, by keyboard alone, and refuses first. The provider checks PKCE, uses
// codes once and replaces refresh tokens.

let server: Server;
let browser: Browser;
let provider: Api;
let base = '';
const codes = new Map<string, { challenge: string; redirect: string }>();
const refresh = new Set<string>();
let access = '';
let n = 0;

beforeAll(async () => {
  provider = createServer((request, answer) => {
    const at = new URL(request.url ?? '', base);
    const json = (status: number, body: unknown) => answer.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    if (at.pathname === '/authorize') {
      const q = at.searchParams;
      const back = new URL(q.get('redirect_uri')!);
      back.searchParams.set('state', q.get('state')!);
      const no = `${back}&error=access_denied`;
      const code = `code-${++n}`;
      codes.set(code, { challenge: q.get('code_challenge')!, redirect: q.get('redirect_uri')! });
      answer.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><title>Shop: sign in</title><h1>Let Spark read your products?</h1><a href="${no}">Refuse</a> <a href="${back}&code=${code}">Allow</a>`);
      return;
    }
    if (at.pathname === '/token') {
      let body = '';
      request.on('data', (part) => { body += part; });
      request.on('end', () => {
        const form = new URLSearchParams(body);
        const asked = codes.get(form.get('code') ?? '');
        codes.delete(form.get('code') ?? '');
        const fits = asked && asked.redirect === form.get('redirect_uri') && asked.challenge === createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
        if (!fits && !refresh.delete(form.get('refresh_token') ?? '')) return json(400, { error: 'invalid_grant' });
        access = `access-${++n}`;
        refresh.add(`refresh-${n}`);
        return json(200, { access_token: access, token_type: 'Bearer', expires_in: 3600, refresh_token: `refresh-${n}`, scope: 'products.read offline_access' });
      });
      return;
    }
    if (access === '' || request.headers.authorization !== `Bearer ${access}`) return json(401, { error: 'who are you?' });
    return json(200, { items: [{ id: 1 }] });
  });
  await new Promise<void>((done) => provider.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  server = await serve('--allow-network', 'loopback');
  browser = await launch();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  provider?.close();
});

const both = async (page: Page, name: string, show = look) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await show(page, `${name}-${colorScheme}`);
  }
};

test('signed in by keyboard alone, refused first', async () => {
  const { context, page, wrong } = await open(browser, server);
  await page.goto(`${server.base}/connections`);
  const tabTo = async (where: Page, name: RegExp) => {
    for (let i = 0; i < 60; i++) {
      const here = await where.evaluate(() => {
        const e = document.activeElement as HTMLElement | null;
        const label = (e as HTMLInputElement | null)?.labels?.[0]?.textContent ?? '';
        return `${e?.getAttribute('aria-label') ?? ''}|${label}|${e?.textContent ?? ''}`;
      });
      if (here.split('|').some((text) => name.test(text.trim()))) return;
      await where.keyboard.press('Tab');
    }
    throw new Error(`the keyboard does not come to ${name}`);
  };
  const fill = async (name: RegExp, text: string) => {
    await tabTo(page, name);
    await page.keyboard.type(text);
  };
  await page.getByRole('button', { name: 'New connection' }).waitFor();
  await tabTo(page, /^New connection$/);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await fill(/^Name/, 'shop');
  await fill(/^System/, 'HTTP API');
  await fill(/^Base URL/, base);
  await fill(/^Authentication/, 'Code');
  await fill(/^Sign-in address/, `${base}/authorize`);
  await fill(/^Token address/, `${base}/token`);
  await fill(/^Client ID/, 'spark');
  await fill(/^Scope/, 'products.read offline_access');
  await tabTo(page, /^Redirect address$/);
  expect(await page.locator('.sign-in input').inputValue()).toBe(`${server.base}/api/v1/oauth/callback`);
  await both(page, 'sign-in-before');

  const dialog = page.getByRole('dialog');
  const press = async (button: RegExp) => {
    await tabTo(page, button);
    const [window] = await Promise.all([context.waitForEvent('page'), page.keyboard.press('Enter')]);
    await window.getByRole('heading', { name: 'Let Spark read your products?' }).waitFor();
    return window;
  };
  let window = await press(/^Sign in$/);
  await dialog.getByText('Sign in in the window that has opened').waitFor();
  await both(page, 'sign-in-waiting');
  await tabTo(window, /^Refuse$/);
  await window.keyboard.press('Enter');
  await window.getByRole('heading', { name: 'You are not signed in' }).waitFor();
  await window.getByText('access_denied').waitFor();
  await both(window, 'sign-in-refused');
  await window.close();
  await page.bringToFront();

  window = await press(/^Sign in$/);
  await tabTo(window, /^Allow$/);
  await window.keyboard.press('Enter');
  await window.getByText('Flows can use the connection shop now').waitFor();
  await both(window, 'sign-in-done');
  await window.close();
  await page.bringToFront();
  await dialog.getByText(/Signed in .* products\.read offline_access/).waitFor();
  await both(page, 'sign-in', keep);
  await tabTo(page, /^Test$/);
  await page.keyboard.press('Enter');
  await dialog.getByText('200 OK').waitFor();
  await tabTo(page, /^Save$/);
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });

  access = ''; // the provider forgets what it has given
  refresh.clear();
  const list = await call<{ items: { id: string }[] }>(server, 'GET', '/connections');
  const flow = { format: 1, name: 'Products', nodes: [{ id: 'in', type: 'rest.input', version: 1, config: { connection: 'shop', url: '/items', recordPath: 'items', fields: [{ name: 'id', type: 'int64' }] } }, { id: 'out', type: 'file.output', version: 1, config: { path: 'out.csv', format: 'csv' } }], edges: [{ from: { node: 'in', port: 'out' }, to: { node: 'out', port: 'in' } }] };
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow));
  const run = await call<{ id: string }>(server, 'POST', '/runs', { flow: id });
  const state = () => call<{ state: string; error?: { code: string; suggestion: string } }>(server, 'GET', `/runs/${run.id}`);
  await expect.poll(async () => (await state()).state, { timeout: 20_000 }).toBe('failed');
  expect((await state()).error).toMatchObject({ code: 'http.signed_out', suggestion: expect.stringContaining('Sign in again') });
  expect(list.items).toHaveLength(1);
  await page.reload();
  await page.getByRole('row', { name: /shop/ }).getByText('Signed out').waitFor();
  await both(page, 'sign-in-list');
  await page.getByRole('button', { name: 'shop', exact: true }).press('Enter');
  await dialog.getByText('The sign-in is not valid any more').waitFor();
  await tabTo(page, /^Sign in again$/);
  await both(page, 'sign-in-lost');
  window = await press(/^Sign in again$/);
  await tabTo(window, /^Allow$/);
  await window.keyboard.press('Enter');
  await dialog.getByText(/Signed in .*/).waitFor();
  await page.keyboard.press('Escape');
  await page.reload();
  await page.getByRole('row', { name: /shop/ }).waitFor();
  await page.waitForLoadState('networkidle');
  expect(await page.getByText('Signed out').count()).toBe(0);
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);
