import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, launch, look, open } from './page';
import { serve, type Server } from './server';

// Typing ${ lists the parameters of the flow in every text of the settings, and in expressions, where they are spelt $name.

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
  format: 1, name: 'References',
  parameters: [{ name: 'day', type: 'date', default: '2026-01-31' }, { name: 'token', type: 'text', secret: true }, { name: 'least', type: 'int64', default: 3 }],
  nodes: [
    { id: 'orders', type: 'sample.data', version: 1, name: 'Orders', config: { dataset: 'orders', records: 100 } },
    { id: 'keep', type: 'filter', version: 1, name: 'Keep', config: { condition: 'quantity > ' } },
    { id: 'sql', type: 'sql', version: 1, name: 'Statement', config: { query: 'SELECT * FROM in1 WHERE quantity > ' } },
    { id: 'out', type: 'file.output', version: 1, name: 'Result', config: { path: 'out-' } },
  ],
  edges: [['orders', 'keep'], ['keep', 'sql'], ['sql', 'out']].map(([from, to]) => ({ from: { node: from, port: 'out' }, to: { node: to, port: 'in' } })),
  layout: { orders: { x: 0, y: 0 }, keep: { x: 300, y: 0 }, sql: { x: 600, y: 0 }, out: { x: 900, y: 0 } },
};

test('by keyboard alone, in a path, a statement and a condition; what means nothing is marked', async () => {
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow));
  await edit(server, page, id);
  const openNode = async (node: string) => {
    await page.locator(`.react-flow__node[data-id="${node}"] .card-title`).click();
    await page.keyboard.press('Enter');
    await page.locator('.config').waitFor();
  };
  const config = async (node: string) => JSON.stringify((await draft(server, id)).nodes.find((n) => n.id === node)!.config);
  await openNode('out');
  const path = page.locator('.config [data-path="path"] input');
  await path.focus();
  await page.keyboard.press('End');
  await page.keyboard.type('${');
  const list = page.locator('.config [data-path="path"] [role="listbox"]');
  await expect.poll(() => list.textContent()).toBe('${day}date · 2026-01-31${least}int64 · 3${token}text · secret: not in this setting');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await look(page, `reference-list-${colorScheme}`, '.config');
  }
  await page.keyboard.type('da');
  await page.keyboard.press('Enter');
  expect(await path.inputValue()).toBe('out-${day}');
  await page.keyboard.type('.csv');
  expect(await path.inputValue()).toBe('out-${day}.csv');
  await page.keyboard.type('${dya}');
  await expect.poll(() => page.locator('.config [data-path="path"] mark').textContent()).toBe('${dya}');
  await expect.poll(() => page.locator('.config [data-path="path"] .form-problem').first().textContent(), { timeout: 15_000 }).toContain('there is no parameter "dya"'.replace('t', 'T'));
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await look(page, `reference-unknown-${colorScheme}`, '.config');
  }
  await openNode('sql');
  const statement = page.locator('.config [data-path="query"] textarea');
  await statement.focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('${le');
  await page.keyboard.press('Tab');
  expect(await statement.inputValue()).toBe('SELECT * FROM in1 WHERE quantity > ${least}');
  await openNode('keep');
  const condition = page.locator('.config [data-path="condition"] .cm-content');
  await condition.focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('${le');
  await page.locator('.cm-tooltip-autocomplete').getByText('$least').waitFor();
  await page.emulateMedia({ colorScheme: 'light' });
  await look(page, 'reference-expression', '.config');
  await page.waitForTimeout(100); // the editor takes no key right after its list has opened
  await page.keyboard.press('Enter');
  await expect.poll(() => condition.textContent()).toBe('quantity > $least');
  await expect.poll(() => config('keep'), { timeout: 15_000 }).toContain('quantity > $least');
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);
