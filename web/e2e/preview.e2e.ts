import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, edit, launch, look, open } from './page';
import { serve, type Server } from './server';

// Which records of a source previews read: chosen in the preview, by keyboard alone, and said as it is.

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

const flow = {
  format: 1, name: 'Samples',
  nodes: [
    { id: 'orders', type: 'sample.data', version: 1, name: 'Orders', config: { dataset: 'orders', records: 5000 } },
    { id: 'keep', type: 'filter', version: 1, name: 'Keep', config: { condition: 'quantity >= 0' } },
  ],
  edges: [{ from: { node: 'orders', port: 'out' }, to: { node: 'keep', port: 'in' } }],
  layout: { orders: { x: 0, y: 0 }, keep: { x: 320, y: 0 } },
};

test('first, where and at random, in both themes', async () => {
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow));
  await edit(server, page, id);
  await page.locator('.react-flow__node[data-id="keep"] .card-title').click();
  const says = page.locator('.preview-bar [role="status"]');
  const see = (what: RegExp) => expect.poll(() => says.textContent(), { timeout: 15_000 }).toMatch(what);
  await see(/^first 1,000 records of Orders · read/);
  const choice = page.getByLabel('Records of Orders', { exact: true });
  await choice.focus();
  await page.keyboard.press('w'); // as in any list: its first letter
  await page.getByLabel('Condition over the records of Orders').waitFor();
  await page.keyboard.type('order_id > 4990');
  await page.keyboard.press('Enter');
  await see(/^all \d+ records of Orders where order_id > 4990 · 5,000 searched/);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await look(page, `preview-where-${colorScheme}`, '.shell');
  }
  await page.getByLabel('Condition over the records of Orders').fill('ordr_id > 1');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.locator('.problem-lines').textContent(), { timeout: 15_000 }).toMatch(/ordr_id.*order_id/);
  expect(await page.locator('.react-flow__node[data-id="orders"] .node-card').textContent()).not.toContain('Error'); // the flow is right
  await look(page, 'preview-where-wrong', '.shell');
  await choice.selectOption('random');
  await see(/^1,000 of 5,000 records of Orders, at random/);
  const first = () => page.locator('.side .grid-host').first().textContent();
  const before = await first();
  await page.getByRole('button', { name: 'Draw other records' }).press('Enter');
  await expect.poll(first, { timeout: 15_000 }).not.toBe(before);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await look(page, `preview-random-${colorScheme}`, '.shell');
  }
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);
