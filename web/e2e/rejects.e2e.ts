import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, keep, launch, look, open } from './page';
import { missing, postgres, type Postgres } from './postgres';
import { serve, type Server } from './server';

// Three bad records of a file: found at the node that refused them, mended by one Formula, replayed into the table.

let server: Server;
let browser: Browser;
let pg: Postgres;
const why = missing();
if (why !== null && process.env['CI'] === 'true') throw new Error(why);

beforeAll(async () => {
  if (why !== null) return;
  [server, pg, browser] = await Promise.all([serve(), postgres(), launch()]);
  await call(server, 'POST', '/connections', { name: 'warehouse', type: 'postgres', settings: { host: '127.0.0.1', port: pg.port, database: 'postgres', user: 'spark', password: pg.password, tls: 'disable' } });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await pg?.stop();
});

const settings = (page: Page) => page.getByRole('complementary', { name: 'Settings' });

async function create(name: string, file: string, policy: string): Promise<string> {
  const { id } = await call<{ id: string }>(server, 'POST', '/flows', { document: {
    format: 1, name,
    nodes: [
      { id: 'read', type: 'file.input', version: 1, name: 'Orders', config: { path: file, format: 'csv', fields: [{ name: 'id', type: 'int64' }, { name: 'amount', type: 'text' }, { name: 'note', type: 'text' }] } },
      { id: 'amounts', type: 'convert', version: 1, name: 'Amounts', ...(policy ? { rejects: policy } : {}), config: { fields: [{ name: 'amount', type: 'decimal(10,2)' }] } },
      { id: 'write', type: 'database.output', version: 1, name: 'Table', config: { connection: 'warehouse', table: 'orders', mode: 'upsert', key: ['id'] } },
    ],
    edges: [{ from: { node: 'read', port: 'out' }, to: { node: 'amounts', port: 'in' } }, { from: { node: 'amounts', port: 'out' }, to: { node: 'write', port: 'in' } }],
    layout: { nodes: { read: { x: 0, y: 0 }, amounts: { x: 304, y: 0 }, write: { x: 608, y: 0 } } },
  } });
  return id;
}

async function run(page: Page, flow: string): Promise<void> {
  const runs = async () => (await call<{ items: { state: string; error?: { message: string } }[] }>(server, 'GET', `/runs?flow=${flow}`)).items;
  const before = (await runs()).length;
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect.poll(async () => {
    const now = await runs();
    return now.length > before ? (now[0]!.error?.message ?? now[0]!.state) : 'waiting';
  }, { timeout: 60_000 }).toBe('succeeded');
}

test.skipIf(why !== null)('bad records are found at their node, mended, and replayed', async () => {
  const evil = `<img src=x onerror=window.__pwned=1>=cmd()`;
  writeFileSync(join(server.files, 'orders.csv'), `id,amount,note\n1,10.50,fine\n2,"20,50",comma\n3,30.00,fine\n4,"1,25","${evil}"\n5,"7,00",comma too\n`);
  const id = await create('Orders into the warehouse', 'orders.csv', '');
  const { context, page, wrong } = await open(browser, server, { colorScheme: 'light' });
  await edit(server, page, id);

  // The policy is the flow's; the node can have its own.
  await page.getByRole('button', { name: 'Settings of the flow' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('A record that a node refuses').selectOption('skip');
  await dialog.getByLabel('Most rejects of a run').fill('x');
  await dialog.getByText('Write a whole number of 0 or more, or leave it empty.').waitFor();
  await dialog.getByLabel('Most rejects of a run').fill('500');
  await look(page, 'flow-settings-light');
  await page.keyboard.press('Escape');
  await page.locator('.node-card', { hasText: 'Amounts' }).dblclick();
  const policy = settings(page).getByLabel('A record that is refused');
  expect(await policy.locator('option').first().innerText()).toBe('As the flow says: skip and count it');
  await policy.selectOption('reject');
  await expect.poll(async () => ((await draft(server, id)) as unknown as { settings: unknown }).settings).toEqual({ rejects: 'skip', maxRejects: 500 });
  await page.keyboard.press('Escape');
  await run(page, id);
  expect(pg.sql('SELECT count(*) FROM orders')).toBe('2');

  // From the node into the inbox, by keyboard alone.
  await page.locator('.node-card', { hasText: 'Amounts' }).click();
  await page.keyboard.press('Shift+F10');
  await page.getByRole('menuitem', { name: 'Open its rejects' }).press('Enter');
  await page.waitForURL(/\/rejects\?flow=[0-9a-f-]+&node=amounts/);
  await page.getByRole('row', { name: /Orders into the warehouse Amounts amount 3/ }).waitFor();
  expect(await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /Rejects/ }).innerText()).toMatch(/3/);
  await keep(page, 'rejects-light');
  await page.getByRole('button', { name: /^Not a valid decimal/ }).press('Enter');
  await page.getByRole('heading', { name: /Not a valid decimal/ }).waitFor();
  expect(await page.locator('.reject-records mark').allInnerTexts()).toEqual(['7,00', '1,25', '20,50']);
  await page.getByText(evil).waitFor();
  expect(await page.evaluate(() => (window as { __pwned?: unknown }).__pwned)).toBeUndefined();
  await keep(page, 'reject-records-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await keep(page, 'reject-records-dark');

  // The flow as it is refuses them again.
  await page.getByRole('button', { name: 'Replay all 3…' }).click();
  await dialog.getByText('0 pass, 3 fail').waitFor({ timeout: 30_000 });
  await dialog.getByText(/The records enter the flow behind Orders/).waitFor();
  expect(await dialog.getByRole('button', { name: 'Replay', exact: true }).isDisabled()).toBe(true);
  await keep(page, 'reject-replay-fails-dark');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });

  // One Formula before the node, and published.
  await edit(server, page, id);
  await page.locator('.node-card', { hasText: 'Orders' }).first().click();
  await page.keyboard.press('i'); // on the edge that leaves it
  await page.getByRole('combobox', { name: /node/ }).fill('Formula');
  await page.keyboard.press('Enter');
  await page.locator('.canvas:focus').waitFor();
  await page.locator('.node-card', { hasText: 'Formula' }).dblclick();
  await settings(page).getByRole('button', { name: 'Add a field' }).click();
  await page.keyboard.type('amount');
  await page.keyboard.press('Tab');
  await page.keyboard.type("replace(amount, ',', '.')");
  await expect.poll(async () => (await draft(server, id)).nodes.find((n) => n.name === 'Formula')?.config ?? (await draft(server, id)).nodes.at(-1)?.config).toEqual({ fields: [{ name: 'amount', expression: "replace(amount, ',', '.')" }] });
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByText(/Revision \d+ is published/).first().waitFor();

  // The dry run, then the replay.
  await page.goto(`${server.base}/rejects`);
  await keep(page, 'rejects-dark');
  await page.getByRole('button', { name: /^Not a valid decimal/ }).click();
  await page.getByRole('button', { name: 'Replay all 3…' }).click();
  await dialog.getByText(/ pass,|alert/).or(dialog.getByRole('alert')).first().waitFor({ timeout: 30_000 });
  expect(await dialog.innerText()).toContain('3 pass, 0 fail');
  await keep(page, 'reject-replay-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await keep(page, 'reject-replay-light');
  await dialog.getByRole('button', { name: 'Replay', exact: true }).click();
  await dialog.getByText('Replayed: 3 written.').waitFor({ timeout: 60_000 });
  await look(page, 'reject-replayed-light');
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click();
  await page.getByText('Nothing of this group is open any more.').waitFor();
  await page.goto(`${server.base}/rejects`);
  await page.getByText('No reject waits for anybody.').waitFor();
  await keep(page, 'rejects-empty-light');
  const table = '1|10.50\n2|20.50\n3|30.00\n4|1.25\n5|7.00';
  expect(pg.sql('SELECT id, amount FROM orders ORDER BY id')).toBe(table);
  const before = pg.sql('SELECT max(xmin::text::bigint) FROM orders');
  await edit(server, page, id);
  await run(page, id);
  expect(pg.sql('SELECT id, amount FROM orders ORDER BY id')).toBe(table);
  expect(pg.sql('SELECT max(xmin::text::bigint) FROM orders')).toBe(before); // no record was written again
  await page.goto(`${server.base}/rejects?state=replayed`);
  await page.getByRole('button', { name: /^Not a valid decimal/ }).click();
  await page.getByText(/Replayed in a/).first().waitFor();
  expect(wrong).toEqual([]);
  await context.close();
}, 180_000);

test.skipIf(why !== null)('some are chosen, discarded with a comment, and downloaded', async () => {
  writeFileSync(join(server.files, 'more.csv'), 'id,amount,note\n11,n/a,x\n12,x,"=HYPERLINK(""http://evil"")"\n13,1.5,fine\n');
  const id = await create('More orders', 'more.csv', 'reject');
  const { id: started } = await call<{ id: string }>(server, 'POST', '/runs', { flow: id });
  await expect.poll(async () => (await call<{ state: string }>(server, 'GET', `/runs/${started}`)).state, { timeout: 30_000 }).toBe('succeeded');
  const { context, page, wrong } = await open(browser, server, { colorScheme: 'light' });
  await page.goto(`${server.base}/runs/${started}`);
  await page.locator('.summary').getByRole('link', { name: 'Open in inbox' }).click();
  await page.getByRole('button', { name: /^Not a valid decimal/ }).click();
  await page.getByRole('checkbox', { name: /record 1/ }).check();
  await page.getByText('1 chosen').waitFor();
  for (const [format, want] of [['NDJSON', '"raw":"{\\"id\\":\\"11\\",'], ['CSV', '11']] as const) {
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: format }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(`rejects.${format.toLowerCase()}`);
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    expect(text).toContain(want);
    expect(text).not.toContain('HYPERLINK'); // only the chosen one
  }
  await page.getByRole('button', { name: 'Discard 1…' }).click();
  const dialog = page.getByRole('dialog');
  expect(await dialog.getByRole('button', { name: 'Discard', exact: true }).isDisabled()).toBe(true);
  await dialog.getByLabel(/Why are they not needed/).fill('a test order <b>');
  await look(page, 'reject-discard-light');
  await dialog.getByRole('button', { name: 'Discard', exact: true }).click();
  await page.getByRole('button', { name: 'Replay all 1…' }).waitFor();
  await page.getByLabel('State').selectOption('discarded');
  await page.getByText(/Discarded by owner.*a test order <b>/).waitFor();
  await look(page, 'reject-discarded-light');
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);
