import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, edit, launch, look, open } from './page';
import { serve, type Server } from './server';

// Records are pinned by keyboard and stay; a flow runs on the sample only, and what is shown then is never taken for a run.

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

const node = (id: string, type: string, name: string, config: unknown, more = {}) => ({ id, type, version: 1, name, config, ...more });
const edge = (from: string, to: string) => ({ from: { node: from, port: 'out' }, to: { node: to, port: 'in' } });
const flow = {
  format: 1, name: 'Pins',
  nodes: [
    node('in', 'file.input', 'Orders', { path: 'in.csv', fields: [{ name: 'id', type: 'int64' }, { name: 'amount', type: 'text' }] }),
    node('calc', 'formula', 'Calc', { fields: [{ name: 'half', expression: 'id / 2' }] }),
    node('conv', 'convert', 'Convert', { fields: [{ name: 'amount', type: 'int64' }] }, { rejects: 'reject' }),
    node('out', 'file.output', 'Result', { path: 'out.csv', ifExists: 'replace' }),
  ],
  edges: [edge('in', 'calc'), edge('calc', 'conv'), edge('conv', 'out')],
  layout: { in: { x: 0, y: 0 }, calc: { x: 300, y: 0 }, conv: { x: 600, y: 0 }, out: { x: 900, y: 0 } },
};

const themes = ['light', 'dark'] as const;
const card = (page: Page, id: string) => page.locator(`.react-flow__node[data-id="${id}"] .node-card`);
const chip = (page: Page) => page.locator('.preview-bar > .badge').textContent();

test('pinned by keyboard, kept without its source, unpinned by the same key', async () => {
  writeFileSync(join(server.files, 'in.csv'), 'id,amount\n' + Array.from({ length: 1500 }, (_, i) => `${i + 1},${i === 3 ? 'x' : i}\n`).join(''));
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow));
  await edit(server, page, id);
  await card(page, 'calc').locator('.card-title').click();
  await expect.poll(() => chip(page), { timeout: 15_000 }).toBe('Sample');
  await page.keyboard.press('Shift+P');
  await expect.poll(() => chip(page), { timeout: 15_000 }).toBe('Pinned');
  await expect.poll(() => card(page, 'calc').textContent()).toContain('Pinned');
  expect(await card(page, 'calc').getAttribute('aria-label')).toContain('Pinned');
  writeFileSync(join(server.files, 'in.csv'), 'gone'); // whoever reads it now finds no such fields
  await server.kill();
  await server.again();
  await page.reload();
  await card(page, 'conv').locator('.card-title').click();
  await expect.poll(() => chip(page), { timeout: 20_000 }).toBe('Pinned: Calc');
  expect(await page.locator('.preview-bar [role="status"]').textContent()).toMatch(/^first 1,000 pinned records of Calc, read .* in production/);
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await look(page, `pin-below-${colorScheme}`, '.shell');
  }
  await card(page, 'calc').locator('.card-title').click();
  await expect.poll(() => chip(page), { timeout: 15_000 }).toBe('Pinned');
  await page.keyboard.press('Shift+?');
  await page.locator('dialog.keys-help').getByText('Pin or unpin the sample').waitFor();
  await page.keyboard.press('Escape');
  await call(server, 'GET', `/flows/${id}/pins`);
  await change(page, 'id / 2', 'id / 4', 'quarter');
  await expect.poll(() => chip(page), { timeout: 15_000 }).toBe('Pinned with other fields');
  await page.locator('.preview-bar').getByRole('button', { name: 'Pin again' }).waitFor();
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await look(page, `pin-changed-${colorScheme}`, '.shell');
  }
  writeFileSync(join(server.files, 'in.csv'), 'id,amount\n1,1\n2,2\n');
  await page.locator('.preview-bar').getByRole('button', { name: 'Pin again' }).click();
  await expect.poll(() => chip(page), { timeout: 15_000 }).toBe('Pinned');
  await card(page, 'calc').locator('.card-title').click();
  await page.keyboard.press('Shift+P');
  await expect.poll(() => chip(page), { timeout: 15_000 }).toBe('Sample');
  expect(await card(page, 'calc').textContent()).not.toContain('Pinned');
  expect(wrong.filter((line) => !/WebSocket|Failed to load resource/.test(line))).toEqual([]);
  await context.close();
}, 120_000);

/** change gives the node's field another name. */
async function change(page: Page, _: string, __: string, name: string): Promise<void> {
  await page.keyboard.press('Enter');
  const field = page.locator('.config [data-path="fields[0].name"] input');
  await field.fill(name);
  await field.press('Escape');
}

test('a run on the sample is never taken for a run', async () => {
  writeFileSync(join(server.files, 'in.csv'), 'id,amount\n' + Array.from({ length: 1500 }, (_, i) => `${i + 1},${i === 3 ? 'x' : i}\n`).join(''));
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow));
  await edit(server, page, id);
  const what = page.getByLabel('What Run does');
  await what.selectOption('sample');
  await card(page, 'in').locator('.card-title').click();
  await page.keyboard.press('Control+Enter');
  await expect.poll(() => page.locator('.progress .badge').textContent(), { timeout: 20_000 }).toBe('Sample: done with rejects');
  expect(await page.locator('.bar.sample').textContent()).toMatch(/Sample, no run of the flow: at most 1,000 records of each source were read; nothing was written/);
  await expect.poll(() => card(page, 'out').textContent()).toContain('sample 999 rec');
  await expect.poll(() => card(page, 'in').textContent()).toContain('sample 1.0 k rec');
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await look(page, `sample-run-${colorScheme}`, '.shell');
  }
  expect(existsSync(join(server.files, 'out.csv'))).toBe(false);
  expect((await call<{ items: unknown[] }>(server, 'GET', `/runs?flow=${id}`)).items ?? []).toEqual([]);
  await page.getByRole('link', { name: 'Records and log' }).click();
  await page.locator('.bar.sample').waitFor();
  await card(page, 'conv').locator('.card-title').click();
  await page.getByRole('tab', { name: 'Preview' }).click();
  await expect.poll(() => chip(page), { timeout: 15_000 }).toBe('Sample');
  await page.emulateMedia({ colorScheme: 'light' });
  await look(page, 'sample-run-page', '.shell');
  await edit(server, page, id);
  await page.locator('.canvas').first().focus();
  await page.keyboard.press('Control+Alt+Enter');
  await page.getByRole('button', { name: 'Close the sample' }).click();
  await expect.poll(() => card(page, 'out').textContent()).not.toContain('rec');
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);
