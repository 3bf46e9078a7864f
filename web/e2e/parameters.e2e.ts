import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, keep, launch, look, open } from './page';
import { missing, postgres, type Postgres } from './postgres';
import { serve, type Server } from './server';

// One flow, two environments: parameters in a path, a number, a condition of SQL and an expression; a secret that nobody sees.

let server: Server;
let browser: Browser;
let pg: Postgres;
const why = missing();
if (why !== null && process.env['CI'] === 'true') throw new Error(why);
const canary = "canary-4e'71";

beforeAll(async () => {
  if (why !== null) return;
  [server, pg, browser] = await Promise.all([serve(), postgres(), launch()]);
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await pg?.stop();
});

const settings = (page: Page) => page.getByRole('complementary', { name: 'Settings' });
const dialog = (page: Page) => page.getByRole('dialog');

async function both(page: Page, name: string): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' });
  await keep(page, `${name}-light`);
  await page.emulateMedia({ colorScheme: 'dark' });
  await keep(page, `${name}-dark`);
}

async function connect(page: Page, database: string): Promise<void> {
  const system = dialog(page).getByLabel('System');
  if (await system.isEnabled().catch(() => false)) await system.selectOption({ label: 'PostgreSQL' });
  await dialog(page).getByLabel('Host *').fill('127.0.0.1');
  await dialog(page).getByLabel('Port').fill(String(pg.port));
  await dialog(page).getByLabel('Database *').fill(database);
  await dialog(page).getByLabel('User *').fill('spark');
  await dialog(page).getByLabel('Password').fill(pg.password);
  await dialog(page).getByLabel('TLS').selectOption('disable');
  await dialog(page).getByRole('button', { name: 'Test' }).click();
  await dialog(page).getByText(/Reached 127.0.0.1/).waitFor();
  await dialog(page).getByRole('button', { name: 'Save' }).click();
  await dialog(page).waitFor({ state: 'detached' });
}

/** environments names a second one and lets the connection lead to another database there. */
async function environments(page: Page): Promise<void> {
  await page.goto(server.base + '/connections');
  await page.getByRole('button', { name: 'New connection' }).click();
  await dialog(page).getByLabel('Name *').fill('warehouse');
  await connect(page, 'postgres');
  await page.getByRole('button', { name: 'Environments…' }).click();
  await dialog(page).getByRole('button', { name: 'Add an environment' }).press('Enter');
  await page.keyboard.type('Dev');
  await page.keyboard.press('Enter');
  await dialog(page).getByText(/"Dev" is not a name of an environment/).waitFor();
  await dialog(page).getByLabel('Name of environment 2').fill('development');
  await look(page, 'environments', 'dialog');
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: /production/ }).focus();
  await page.keyboard.press('ArrowRight');
  await page.getByText('Leads nowhere in development: flows that use it fail there.').waitFor();
  await both(page, 'environments');
  await page.getByRole('button', { name: 'Set up warehouse in development' }).press('Enter');
  await connect(page, 'development');
  await page.getByRole('button', { name: 'warehouse', exact: true }).waitFor();
}

const flow = {
  format: 1, name: 'Orders of a day',
  parameters: [{ name: 'date', type: 'text', title: 'Day' }, { name: 'most', type: 'int64', default: 2 }, { name: 'least', type: 'decimal(8,2)', default: '1.00' }, { name: 'token', type: 'text', secret: true }],
  nodes: [
    { id: 'read', type: 'file.input', version: 1, name: 'Orders', config: { path: 'orders-${date}.csv', fields: [{ name: 'id', type: 'int64' }, { name: 'amount', type: 'decimal(8,2)' }] } },
    { id: 'some', type: 'filter', version: 1, name: 'Large enough', config: { condition: 'amount >= $least' } },
    { id: 'limit', type: 'limit', version: 1, name: 'Limit', config: { count: 1 } },
    { id: 'write', type: 'database.output', version: 1, name: 'Loaded', config: { connection: 'warehouse', table: 'loaded', mode: 'append' } },
    { id: 'pick', type: 'database.input', version: 1, name: 'Days', config: { connection: 'warehouse', table: 'days', where: 'day = ${date} and token = ${token}', fields: [{ name: 'day', type: 'text' }, { name: 'what', type: 'text' }] } },
    { id: 'picked', type: 'database.output', version: 1, name: 'Picked', config: { connection: 'warehouse', table: 'picked', mode: 'append' } },
  ],
  edges: [['read', 'some'], ['some', 'limit'], ['limit', 'write'], ['pick', 'picked']].map(([from, to]) => ({ from: { node: from, port: 'out' }, to: { node: to, port: 'in' } })),
};

/** rename gives a parameter another name in the settings of the flow; undo takes it back everywhere. */
async function rename(page: Page, id: string): Promise<void> {
  await page.locator('.canvas').focus();
  await page.keyboard.press(',');
  await dialog(page).getByLabel('Name', { exact: true }).first().fill('day');
  await page.keyboard.press('Enter');
  await both(page, 'parameters');
  await page.keyboard.press('Escape');
  const saved = async () => (await draft(server, id)).nodes.map((n) => JSON.stringify(n.config)).join();
  await expect.poll(saved, { timeout: 10_000 }).toContain('orders-${day}.csv');
  expect(await saved()).toContain('day = ${day} and token = ${token}');
  await page.locator('.canvas').focus();
  await page.keyboard.press('Control+z');
  await expect.poll(saved, { timeout: 10_000 }).toContain('orders-${date}.csv');
  await page.keyboard.press('Control+Shift+z');
  await expect.poll(saved, { timeout: 10_000 }).toContain('orders-${day}.csv');
}

/** run starts the flow by the keyboard and gives its values. */
async function run(page: Page, day: string): Promise<void> {
  await page.locator('.canvas').focus();
  await page.keyboard.press('Control+Enter');
  await dialog(page).getByLabel('Day *').waitFor();
  if (day) await page.keyboard.type(day);
  await dialog(page).getByLabel('token *').fill(canary);
  await page.keyboard.press('Enter');
  await dialog(page).waitFor({ state: 'detached' });
}

/** files are all of a folder, those inside of it too. */
function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map((f) => join(folder, String(f))).filter((f) => statSync(f).isFile());
}

test.skipIf(why !== null)('one flow runs with its parameters in two environments, and its secret is seen nowhere', async () => {
  pg.sql('CREATE DATABASE development');
  for (const [database, what] of [['postgres', 'in production'], ['development', 'in development']] as const) {
    pg.sql(`CREATE TABLE days (day text, token text, what text); INSERT INTO days VALUES ('2026-01-31', '${canary.replace("'", "''")}', '${what}'), ('2026-01-31', 'x', 'not'), ('2026-02-01', 'x', 'not')`, database);
  }
  writeFileSync(join(server.files, 'orders-2026-01-31.csv'), 'id,amount\n1,0.50\n2,2.00\n3,3.00\n4,4.00\n');
  const { context, page, wrong } = await open(browser, server, { colorScheme: 'light' });
  const answers: string[] = [];
  page.on('response', (r) => void r.text().then((text) => answers.push(text), () => undefined));
  await environments(page);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows', { document: flow });
  await edit(server, page, id);
  await rename(page, id);

  await page.locator('.node-card', { hasText: 'Limit' }).dblclick();
  await settings(page).getByRole('button', { name: 'Use a parameter for Records' }).press('Enter');
  await both(page, 'parameter-use');
  await page.keyboard.press('Enter');
  await settings(page).getByRole('group', { name: 'Records comes from the parameter most' }).waitFor();
  await both(page, 'parameter-bound');
  await page.keyboard.press('Escape');

  await page.locator('.canvas').focus();
  await page.keyboard.press('Control+Enter');
  await dialog(page).getByLabel('Day *').waitFor();
  await page.keyboard.press('Enter');
  await dialog(page).getByText('A run has to give a value.').first().waitFor();
  await both(page, 'run-values');
  await page.keyboard.press('Escape');
  await run(page, '2026-01-31');
  await page.getByText('6/6 nodes').waitFor({ timeout: 60_000 });
  await page.getByText('Done').first().waitFor();
  expect(pg.sql('SELECT id FROM loaded ORDER BY id')).toBe('2\n3');
  expect(pg.sql('SELECT what FROM picked')).toBe('in production');

  await page.getByLabel('Environment').selectOption('development');
  await run(page, ''); // the day is remembered, the secret is not
  await expect.poll(async () => (await call<{ items: { environment?: string; state: string }[] }>(server, 'GET', '/runs')).items[0], { timeout: 60_000 }).toMatchObject({ environment: 'development', state: 'succeeded' });
  expect(pg.sql('SELECT id FROM loaded ORDER BY id', 'development')).toBe('2\n3');
  expect(pg.sql('SELECT what FROM picked', 'development')).toBe('in development');
  expect(pg.sql('SELECT count(*) FROM loaded')).toBe('2'); // the other environment has not changed

  const [last] = (await call<{ items: { id: string }[] }>(server, 'GET', '/runs')).items;
  await page.goto(`${server.base}/runs/${last!.id}`);
  await page.getByLabel('What the run was given').getByText('development').waitFor();
  await page.getByLabel('What the run was given').getByText('***').waitFor();
  await both(page, 'run-given');
  await page.goto(server.base + '/runs');
  await page.getByText('Manual · production').first().waitFor();
  await context.close();
  const all = answers.join('\n') + JSON.stringify(await call(server, 'GET', '/runs')) + JSON.stringify(await call(server, 'GET', `/runs/${last!.id}/log`));
  for (const shown of [canary, JSON.stringify(canary).slice(1, -1), canary.replace("'", "''")]) {
    expect(all.includes(shown)).toBe(false);
    expect(files(server.data).filter((f) => readFileSync(f).includes(shown))).toEqual([]);
  }
  expect(wrong.filter((w) => !w.includes('422'))).toEqual([]);
}, 240_000);
