import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, launch, look, open } from './page';
import { serve, type Server } from './server';

// A run that says what it is: in the name of its file and in its records; with a list that a person gives, in an environment
// that a person renames.

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([serve(), launch()]);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

const dialog = (page: Page) => page.getByRole('dialog');

async function both(page: Page, name: string, part?: string): Promise<void> {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await look(page, `${name}-${scheme}`, part);
  }
}

const flow = {
  format: 1, name: 'Facts',
  parameters: [
    { name: 'states', type: 'list<text>', title: 'States' }, { name: 'from', type: 'timestamp', default: '2020-01-01 00:00:00' }, { name: 'at', type: 'time', default: '00:00:00' },
    { name: 'keys', type: 'list<text>', default: ['status'], environments: { production: ['status', 'file'] } },
  ],
  nodes: [
    { id: 'orders', type: 'sample.data', version: 1, name: 'Orders', config: { dataset: 'orders', records: 100 } },
    { id: 'some', type: 'filter', version: 1, name: 'Some', config: { condition: 'status in ($states) and ordered_at >= $from' } },
    { id: 'facts', type: 'formula', version: 1, name: 'Facts', config: { fields: [{ name: 'file', expression: 'file_name()' }, { name: 'run', expression: 'run_id()' }] } },
    { id: 'count', type: 'aggregate', version: 1, name: 'Count', config: { groupBy: ['status'], aggregates: [{ name: 'n', expression: 'count()' }, { name: 'run', expression: 'max(run)' }] } },
    { id: 'out', type: 'file.output', version: 1, name: 'Out', config: { path: 'out-${run.id}-${run.environment}.csv' } },
  ],
  edges: [['orders', 'some'], ['some', 'facts'], ['facts', 'count'], ['count', 'out']].map(([from, to]) => ({ from: { node: from, port: 'out' }, to: { node: to, port: 'in' } })),
};

test('a run says what it is, takes a list, and follows its environment when that is renamed', async () => {
  const { context, page, wrong } = await open(browser, server, { colorScheme: 'light' });
  const { id } = await call<{ id: string }>(server, 'POST', '/flows', { document: flow });
  await edit(server, page, id);

  // The list of fields comes from a parameter, by the keyboard.
  await page.locator('.node-card', { hasText: 'Count' }).dblclick();
  const settings = page.getByRole('complementary', { name: 'Settings' });
  await settings.getByRole('button', { name: 'Use a parameter for Group by' }).press('Enter');
  await settings.getByRole('button', { name: '$keys' }).press('Enter');
  await settings.getByRole('group', { name: 'Group by comes from the parameter keys' }).waitFor();
  await both(page, 'list-bound');
  await expect.poll(async () => (await draft(server, id)).nodes.find((n) => n.id === 'count')?.config?.['groupBy'], { timeout: 10_000 }).toEqual({ parameter: 'keys' });
  await page.keyboard.press('Escape');

  // Completion and help of the functions.
  await page.locator('.node-card', { hasText: 'Facts' }).dblclick();
  const field = settings.locator('.cm-content').first();
  await field.click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete'); // Chromium itself styles what is typed over coloured text, which the policy of the page forbids
  await page.keyboard.type('file_n');
  await page.locator('.cm-tooltip-autocomplete').getByText('file_name').first().waitFor();
  await both(page, 'facts-completion');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await page.locator('.canvas').focus();

  await page.keyboard.press('Control+Enter');
  await dialog(page).getByLabel('States *').waitFor();
  await page.keyboard.type('["paid", 1]');
  await page.keyboard.press('Enter');
  await dialog(page).getByText('Item 2 is no value of type text.').waitFor();
  await both(page, 'run-typed', 'dialog');
  await dialog(page).getByLabel('States *').fill('paid, shipped');
  await page.keyboard.press('Enter');
  await dialog(page).waitFor({ state: 'detached' });
  await page.getByText('5/5 nodes').waitFor({ timeout: 60_000 });
  await page.getByText('Done').first().waitFor();
  const [run] = (await call<{ items: { id: string }[] }>(server, 'GET', '/runs')).items;
  const names = readdirSync(server.files).filter((name) => name.startsWith('out-'));
  expect(names).toEqual([`out-${run!.id}-production.csv`]);
  const lines = readFileSync(join(server.files, names[0]!), 'utf8').trim().split('\n');
  expect(lines.slice(1).map((line) => line.replace(/,\d+,/, ',n,')).sort()).toEqual(['paid', 'shipped'].map((state) => `${state},sample orders,n,${run!.id}`));

  // The environment gets another name, and the flow's own value there goes with it.
  await page.goto(server.base + '/connections');
  await page.locator('button:enabled', { hasText: 'Environments…' }).press('Enter'); // once it is known which there are
  await dialog(page).getByLabel('Name of environment 1').fill('live');
  await dialog(page).getByText('production is renamed').waitFor();
  await both(page, 'environment-renamed', 'dialog');
  await page.keyboard.press('Enter');
  await dialog(page).waitFor({ state: 'detached' });
  const saved = (await draft(server, id)) as unknown as { parameters: { name: string; environments?: unknown }[] };
  expect(saved.parameters.find((p) => p.name === 'keys')?.environments).toEqual({ live: ['status', 'file'] });
  expect((await call<{ environment: string }>(server, 'GET', `/runs/${run!.id}`)).environment).toBe('live');
  expect(wrong).toEqual([]);
  await context.close();
}, 180_000);
