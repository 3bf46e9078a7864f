import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, launch, look, open, sample, type Doc } from './page';
import { serve, type Server } from './server';

// What goes wrong around people: the server dies, the network goes, somebody else saves, a file is not what it was.

let server: Server;
let browser: Browser;

beforeAll(async () => {
  server = await serve();
  browser = await launch();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const nameOf = (page: Page) => page.getByLabel('Name of the flow');
const banner = (page: Page) => page.getByRole('region', { name: 'Connection' });

/** real are the complaints of a page, without those about a server that was away on purpose. */
const real = (wrong: string[]) => wrong.filter((text) => !/ERR_CONNECTION|ERR_INTERNET|WebSocket connection|409 \(Conflict\)/.test(text));

test.each(['light', 'dark'] as const)('the server is killed in the middle of a run and comes back: nothing is lost, and what is shown is true (%s)', async (colorScheme) => {
  const { context, page, wrong } = await open(browser, server, { colorScheme });
  const id = await sample(server, page);
  const { document, etag } = await call<{ document: Doc; etag: string }>(server, 'GET', `/flows/${id}`);
  document.nodes.find((n) => n.id === 'orders')!.config!['records'] = 60_000_000;
  await call(server, 'PUT', `/flows/${id}/draft`, { document }, { 'If-Match': `"${etag}"` });
  await edit(server, page, id);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('.progress').getByText('Running').waitFor({ timeout: 30_000 });
  await page.waitForFunction(() => (document.querySelector('#card-orders .card-progress > span')?.getBoundingClientRect().width ?? 0) > 2, undefined, { timeout: 30_000 });
  await server.kill();
  await banner(page).waitFor({ timeout: 15_000 });
  await nameOf(page).fill('Written while the server was away');
  await page.locator('.saved.bad').waitFor();
  expect(await banner(page).textContent()).toContain('Your changes are kept in this window');
  await look(page, `away-${colorScheme}`);
  await server.again();
  await banner(page).waitFor({ state: 'detached', timeout: 40_000 });
  await page.getByText('Saved', { exact: true }).waitFor({ timeout: 15_000 });
  expect((await draft(server, id)).name).toBe('Written while the server was away');
  const shown = async () => (await page.locator('.progress .badge').textContent()) ?? '';
  const run = (await call<{ items: { id: string; state: string }[] }>(server, 'GET', `/runs?flow=${id}`)).items[0]!;
  // The run ends: it was interrupted. The editor says what the server says.
  await expect.poll(async () => (await call<{ state: string }>(server, 'GET', `/runs/${run.id}`)).state, { timeout: 90_000, interval: 500 }).toBe('failed');
  await expect.poll(shown, { timeout: 20_000 }).toBe('Failed');
  await look(page, `back-${colorScheme}`);
  await page.getByRole('button', { name: 'Run', exact: true }).waitFor(); // and it can be run again
  expect(real(wrong)).toEqual([]);
  await context.close();
}, 180_000);

test('a browser without a network keeps what is written, and saves it later', async () => {
  const { context, page, wrong } = await open(browser, server);
  const id = await sample(server, page);
  await context.setOffline(true);
  await nameOf(page).fill('Written on the train');
  await banner(page).waitFor({ timeout: 15_000 });
  await page.locator('#card-orders').click();
  await page.keyboard.press('Delete');
  expect(await page.locator('.node-card').count()).toBe(7);
  await context.setOffline(false);
  await banner(page).waitFor({ state: 'detached', timeout: 40_000 });
  await page.getByText('Saved', { exact: true }).waitFor({ timeout: 15_000 });
  const saved = await draft(server, id);
  expect([saved.name, saved.nodes.length]).toEqual(['Written on the train', 7]);
  expect(real(wrong)).toEqual([]);
  await context.close();
}, 180_000);

test.each(['light', 'dark'] as const)('two people change a flow: each choice keeps both versions (%s)', async (colorScheme) => {
  const ann = await open(browser, server, { colorScheme });
  const bob = await open(browser, server, { colorScheme });
  const id = await sample(server, ann.page);
  await edit(server, bob.page, id);
  const clash = async (mine: string, theirs: string) => {
    await nameOf(bob.page).fill(theirs);
    await expect.poll(async () => (await draft(server, id)).name, { timeout: 10_000 }).toBe(theirs);
    await nameOf(ann.page).fill(mine);
    await ann.page.getByRole('region', { name: 'Conflict' }).waitFor({ timeout: 10_000 });
    expect((await draft(server, id)).name).toBe(theirs); // nothing was overwritten
  };
  await clash('Mine 1', 'Theirs 1');
  await look(ann.page, `conflict-${colorScheme}`);
  await ann.page.getByRole('button', { name: 'Take theirs' }).click();
  expect(await nameOf(ann.page).inputValue()).toBe('Theirs 1');
  await ann.page.getByRole('button', { name: 'Undo' }).click();
  expect(await nameOf(ann.page).inputValue()).toBe('Mine 1');
  await expect.poll(async () => (await draft(server, id)).name, { timeout: 10_000 }).toBe('Mine 1');

  await edit(server, bob.page, id);
  await clash('Mine 2', 'Theirs 2');
  await ann.page.getByRole('button', { name: 'Keep mine', exact: true }).click();
  await expect.poll(async () => (await draft(server, id)).name, { timeout: 10_000 }).toBe('Mine 2');
  await ann.page.getByRole('button', { name: 'Undo' }).click();
  expect(await nameOf(ann.page).inputValue()).toBe('Theirs 2');
  await expect.poll(async () => (await draft(server, id)).name, { timeout: 10_000 }).toBe('Theirs 2');

  await edit(server, bob.page, id);
  await clash('Mine 3', 'Theirs 3');
  await ann.page.getByRole('button', { name: 'Keep mine as a copy' }).click();
  await ann.page.waitForURL((url) => !url.pathname.endsWith(id));
  await ann.page.locator('.node-card').first().waitFor();
  expect(await nameOf(ann.page).inputValue()).toBe('Mine 3 (copy)');
  expect((await draft(server, id)).name).toBe('Theirs 3');
  expect([...real(ann.wrong), ...real(bob.wrong)]).toEqual([]);
  await ann.context.close();
  await bob.context.close();
}, 120_000);

test.each(['light', 'dark'] as const)('a node whose preview fails says why (%s)', async (colorScheme) => {
  const path = `later-${colorScheme}.csv`;
  const fields = [{ name: 'id', type: 'int64' }, { name: 'amount', type: 'int64' }];
  const { id } = await call<{ id: string }>(server, 'POST', '/flows', { document: {
    format: 1, name: 'Broken', edges: [],
    nodes: [{ id: 'read', type: 'file.input', version: 1, name: 'Broken', config: { path, format: 'csv', fields } }], layout: { nodes: { read: { x: 0, y: 0 } } },
  } });
  const { context, page, wrong } = await open(browser, server, { colorScheme });
  await edit(server, page, id);
  const card = page.locator('#card-read');
  await card.click();
  await card.locator('.card-line.bad').waitFor({ timeout: 20_000 });
  expect(await card.locator('.card-line').textContent()).toBe('There is no such file.');
  await look(page, `preview-fails-${colorScheme}`);
  writeFileSync(join(server.data, 'files', path), 'id,amount\n1,2\n');
  await page.getByRole('button', { name: 'Read the records again' }).click();
  await card.locator('.card-line.bad').waitFor({ state: 'detached', timeout: 20_000 });
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);
