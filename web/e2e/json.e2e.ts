import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, keep, launch, look, open } from './page';
import { serve, type Server } from './server';

// What JSON Extract takes is chosen in the tree of a sample, with the keyboard alone.

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

const expression = `case when customer_id % 5 = 0 then 'n/a' else cast(json_object('id', customer_id, 'contact', json_object('fullName', name, 'E-Mail', case when customer_id % 3 = 0 then null else email end),
  'balance', 12.50, 'since', created_on, 'tags', list('a', country)) as text) end`;
const at = (id: string, type: string, config: object, name: string) => ({ id, type, version: 1, name, config });
const flow = {
  format: 1, name: 'Answers',
  nodes: [at('customers', 'sample.data', { dataset: 'customers', records: 1000 }, 'Customers'), at('answer', 'formula', { fields: [{ name: 'response', expression }] }, 'An answer'),
    at('extract', 'json.extract', { field: '', fields: [] }, 'Extract'), at('out', 'file.output', { path: 'answers.csv', format: 'csv' }, 'Result')],
  edges: [['customers', 'answer'], ['answer', 'extract'], ['extract', 'out']].map(([from, to]) => ({ from: { node: from, port: 'out' }, to: { node: to, port: 'in' } })),
};

test('fields are ticked in the tree of a sample', async () => {
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', flow);
  await edit(server, page, id);
  for (const [name, title] of [['JSON Extractor', 'JSON Extract'], ['JSON Parser', 'JSON Extract'], ['JSON Transformer', 'JSON Build'], ['Validation', 'Validate']] as const) {
    await page.locator('.canvas').focus();
    await page.keyboard.press('a');
    await page.getByRole('combobox', { name: /^Add a node/ }).fill(name);
    expect(await page.locator('[role="option"]').first().textContent()).toContain(title);
    await page.keyboard.press('Escape');
  }
  await page.locator('.react-flow__node[data-id="extract"] .card-title').dblclick();
  const settings = page.getByRole('complementary', { name: 'Settings' });
  const field = settings.getByRole('combobox', { name: 'JSON *' });
  await field.fill('resp');
  await page.getByRole('option', { name: /^response/ }).waitFor();
  await page.keyboard.press('Enter');
  const read = settings.getByRole('button', { name: 'Read a sample' });
  await read.focus();
  await page.keyboard.press('Enter');
  await settings.getByText(/^From 160 records; 40 more are null or no JSON/).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab'); // over Add all, into the tree
  expect(await page.evaluate(() => document.activeElement?.closest('label')?.textContent)).toMatch(/^idnumber/);
  await page.keyboard.press('Space');
  const name = settings.getByRole('checkbox', { name: /^fullName/ });
  await name.focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Space'); // and not
  await settings.getByText('Fill it in').first().waitFor({ state: 'detached' });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await settings.getByRole('button', { name: 'Read the sample again' }).scrollIntoViewIfNeeded();
    await keep(page, `json-tree-${colorScheme}`);
  }
  const all = settings.getByRole('button', { name: 'Add all 5' });
  await all.focus();
  await page.keyboard.press('Enter');
  await settings.getByRole('button', { name: 'All are taken' }).waitFor();
  await look(page, 'json-fields-dark', '.config');
  await expect.poll(async () => (await draft(server, id)).nodes.find((n) => n.id === 'extract')?.config).toEqual({
    field: 'response',
    fields: [
      { path: '$.id', name: 'id', type: 'int64' },
      { path: '$.contact.fullName', name: 'contact_full_name', type: 'text' },
      { path: '$.contact.E-Mail', name: 'contact_e_mail', type: 'text' },
      { path: '$.balance', name: 'balance', type: 'decimal(18,2)' },
      { path: '$.since', name: 'since', type: 'date' },
      { path: '$.tags', name: 'tags', type: 'json' },
    ],
  });
  await page.locator('.react-flow__node[data-id="extract"] .card-title').click();
  expect(wrong).toEqual([]);
  await context.close();
}, 180_000);

const orders = `cast(json_object('id', customer_id, 'lines', list(json_object('sku', name, 'qty', customer_id % 9), json_object('id', country, 'qty', 1, 'parts', list('a')))) as text)`;

test('ticking a part of an element makes a record of each', async () => {
  const { context, page, wrong } = await open(browser, server);
  const nodes = [flow.nodes[0]!, at('answer', 'formula', { fields: [{ name: 'response', expression: orders }] }, 'An answer'), at('extract', 'json.extract', { field: 'response', fields: [] }, 'Extract'), flow.nodes[3]!];
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', { ...flow, name: 'Lines', nodes });
  await edit(server, page, id);
  await page.locator('.react-flow__node[data-id="extract"] .card-title').dblclick();
  const settings = page.getByRole('complementary', { name: 'Settings' });
  await settings.getByRole('button', { name: 'Read a sample' }).press('Enter');
  await settings.getByText(/^From 200 records/).waitFor();
  await settings.getByRole('checkbox', { name: /^sku/ }).first().press('Space');
  await expect.poll(() => settings.getByLabel('For each element of').inputValue()).toBe('$.lines[*]');
  await settings.getByRole('button', { name: 'Add all 4' }).press('Enter');
  await settings.getByRole('button', { name: 'All are taken' }).waitFor();
  await settings.getByLabel('Position in').fill('line');
  await settings.getByLabel('Drop the JSON').press('Space');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await settings.getByRole('button', { name: 'Read the sample again' }).scrollIntoViewIfNeeded();
    await keep(page, `json-elements-${colorScheme}`);
  }
  await expect.poll(async () => (await draft(server, id)).nodes.find((n) => n.id === 'extract')?.config).toEqual({
    field: 'response', each: '$.lines[*]', position: 'line', drop: true,
    fields: [
      { path: '$.lines[*].sku', name: 'sku', type: 'text' },
      { path: '$.id', name: 'id', type: 'int64' },
      { path: '$.lines[*].qty', name: 'qty', type: 'int64' },
      { path: '$.lines[*].id', name: 'lines_id', type: 'text' },
      { path: '$.lines[*].parts', name: 'parts', type: 'list<json>' },
    ],
  });
  await expect.poll(() => page.locator('.preview').first().textContent(), { timeout: 15_000 }).toContain('2,000+ records');
  for (const name of [/^sku/, /^qty/, /^parts/]) await settings.getByRole('checkbox', { name }).first().press('Space');
  await settings.getByLabel('Position in').fill('');
  await settings.getByRole('checkbox', { name: /^id/ }).nth(1).press('Space'); // the last one of the array
  await expect.poll(async () => Object.keys((await draft(server, id)).nodes.find((n) => n.id === 'extract')?.config ?? {})).not.toContain('each');
  expect(wrong).toEqual([]);
  await context.close();
}, 180_000);
