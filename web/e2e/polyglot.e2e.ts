import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, edit, launch, open, picture } from './page';
import { serve, type Server } from './server';

// Everything that people or their files name is hostile here. It has to be shown letter by letter, and never to run.

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

/** hostile ends attributes, scripts, comments, styles and templates, and loads what does not exist; `mark` says where it stood. */
const hostile = (mark: string) =>
  `"'\`--></title></style></textarea></script><script>window.__pwned='${mark}'</script><img src=x onerror=window.__pwned='${mark}'><svg/onload=window.__pwned='${mark}'>{{constructor.constructor('window.__pwned=1')()}}\${window.__pwned=1}<a href=javascript:window.__pwned=1>${mark}</a>`;

const short = (mark: string) => `<img src=x onerror=window.__pwned='${mark}'>`;

/** quoted writes a CSV cell. */
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

interface Hostile { id: string; run: string; names: { flow: string; node: string; field: string; cell: string; bad: string; file: string } }

async function make(): Promise<Hostile> {
  const names = { flow: hostile('flow'), node: hostile('node'), field: short('field'), cell: hostile('cell'), bad: hostile('bad'), file: "<img src=x onerror=window.__pwned='file'>.csv".replaceAll('/', '') };
  writeFileSync(join(server.data, 'files', names.file), `${quoted(names.field)},amount\n${quoted(names.cell)},1\n${quoted(names.cell)},${quoted(names.bad)}\n`);
  const read = { path: names.file, format: 'csv', fields: [{ name: names.field, type: 'text' }, { name: 'amount', type: 'int64' }] };
  const { id } = await call<{ id: string }>(server, 'POST', '/flows', { document: {
    format: 1, name: names.flow, description: hostile('description'), settings: { rejects: 'reject' },
    nodes: [
      { id: 'read', type: 'file.input', version: 1, name: names.node, notes: hostile('notes'), config: read },
      { id: 'wrong', type: 'filter', version: 1, name: hostile('wrong'), config: { condition: `"${short('condition')}" > 1` }, disabled: true },
      { id: 'out', type: 'file.output', version: 1, name: hostile('out'), config: { path: 'out.csv', format: 'csv' } },
    ],
    edges: [{ from: { node: 'read', port: 'out' }, to: { node: 'wrong', port: 'in' } }, { from: { node: 'wrong', port: 'out' }, to: { node: 'out', port: 'in' } }],
    layout: { nodes: { read: { x: 0, y: 0 }, wrong: { x: 304, y: 0 }, out: { x: 608, y: 0 } } },
  } });
  const run = await ended(id, { flow: id });
  return { id, run, names };
}

async function ended(flow: string, start: unknown): Promise<string> {
  const { id } = await call<{ id: string }>(server, 'POST', '/runs', start);
  await expect.poll(async () => (await call<{ state: string }>(server, 'GET', `/runs/${id}`)).state, { timeout: 30_000 }).toMatch(/succeeded|failed/);
  return id;
}

/** watched opens a page that notices every dialog, and every address that is asked for beside the server's. */
async function watched() {
  const opened = await open(browser, server);
  const { page, context, wrong } = opened;
  page.on('dialog', (d) => { wrong.push(`dialog: ${d.message()}`); void d.dismiss(); });
  context.on('request', (r) => { if (/\/x$|javascript:/.test(new URL(r.url()).pathname)) wrong.push(`request: ${r.url()}`); });
  return opened;
}

/** quiet is that nothing has run, and nothing became an element. */
async function quiet(page: Page, wrong: string[], where: string): Promise<void> {
  await picture(page, `polyglot-${where}`);
  const found = await page.evaluate(() => ({
    pwned: (window as unknown as { __pwned?: unknown }).__pwned,
    elements: [...document.querySelectorAll('img[src="x"], a[href^="javascript:"], [onerror], [onload], script:not([src])')].map((e) => e.outerHTML),
  }));
  expect({ where, ...found, wrong }).toEqual({ where, pwned: undefined, elements: [], wrong: [] });
}

const says = async (page: Page, text: string) => expect.poll(() => page.evaluate(() => document.body.innerText + [...document.querySelectorAll('input, textarea')].map((e) => (e as HTMLInputElement).value).join('\n')), { timeout: 15_000 }).toContain(text);

test('the editor, previews and rejects show hostile texts letter by letter', async () => {
  const { id, names } = await make();
  const { page, context, wrong } = await watched();
  await edit(server, page, id);
  await says(page, names.flow);
  await says(page, names.node);
  await quiet(page, wrong, 'canvas');
  await page.locator('#card-read').click();
  await says(page, names.field);
  await says(page, names.cell);
  await quiet(page, wrong, 'preview');
  await page.getByRole('grid').first().focus();
  await page.keyboard.press('F2');
  await quiet(page, wrong, 'cell');
  await page.keyboard.press('Escape');
  await page.getByRole('columnheader').first().click({ button: 'right' });
  await page.getByRole('menu').waitFor();
  await says(page, names.field);
  await quiet(page, wrong, 'column');
  await page.keyboard.press('Escape');
  await page.locator('#card-read').click({ button: 'right' });
  await page.getByRole('menu').waitFor();
  await quiet(page, wrong, 'menu');
  await page.getByRole('menuitem', { name: 'Configure' }).click();
  await page.getByText('A record that is refused').waitFor();
  await says(page, names.file);
  await quiet(page, wrong, 'settings');
  for (const tab of ['Output', 'Notes']) {
    await page.getByRole('complementary', { name: 'Settings' }).getByRole('tab', { name: tab }).click();
    await says(page, tab === 'Notes' ? hostile('notes') : names.field);
    await quiet(page, wrong, `settings-${tab}`);
  }
  await page.getByRole('button', { name: 'Close the settings' }).click();
  await page.getByRole('button', { name: 'Outline' }).click();
  await says(page, hostile('out'));
  await quiet(page, wrong, 'outline');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByText('Done with rejects').first().waitFor({ timeout: 30_000 });
  for (const tab of ['Rejects', 'Log', 'Runs', 'Schema']) {
    await page.getByRole('tab', { name: tab }).first().click();
    if (tab === 'Rejects') await says(page, names.bad.slice(0, 40));
    await quiet(page, wrong, tab);
  }
  await context.close();
}, 120_000);

test('errors that name hostile things are texts', async () => {
  const { id } = await call<{ id: string }>(server, 'POST', '/flows', { document: {
    format: 1, name: 'Errors', edges: [{ from: { node: 'read', port: 'out' }, to: { node: 'keep', port: 'in' } }],
    nodes: [
      { id: 'read', type: 'file.input', version: 1, config: { path: short('path'), format: 'csv', fields: [{ name: 'a', type: 'int64' }] } },
      { id: 'keep', type: 'filter', version: 1, config: { condition: `"${short('unknown')}" > 1` } },
    ],
  } });
  const { page, context, wrong } = await watched();
  await edit(server, page, id);
  await says(page, short('unknown').slice(0, 36)); // messages shorten long names
  await page.getByRole('tab', { name: /Problems/ }).click();
  await quiet(page, wrong, 'problems');
  await page.locator('#card-read').click();
  await page.getByRole('tab', { name: 'Preview' }).click();
  await page.getByText('no such file').first().waitFor();
  await quiet(page, wrong, 'preview-error');
  await page.locator('#card-keep').click();
  await page.keyboard.press('Enter');
  await page.locator('.cm-editor').waitFor();
  await quiet(page, wrong, 'expression-error');
  await context.close();
}, 120_000);

test('the pages of flows and runs show hostile texts letter by letter', async () => {
  const { run, names } = await make();
  const { page, context, wrong } = await watched();
  await page.goto(`${server.base}/flows`);
  await says(page, names.flow);
  await quiet(page, wrong, 'flows');
  await page.goto(`${server.base}/flows?search=${encodeURIComponent(hostile('search'))}`);
  await quiet(page, wrong, 'search');
  await page.goto(`${server.base}/runs`);
  await says(page, names.flow);
  await quiet(page, wrong, 'runs');
  await page.goto(`${server.base}/runs/${run}`);
  await page.locator('.node-card').first().waitFor();
  await says(page, names.node);
  await says(page, names.flow);
  await quiet(page, wrong, 'run');
  await page.goto(`${server.base}/rejects?run=${run}&text=${encodeURIComponent(short('text'))}`);
  await page.getByText('No reject is like that.').waitFor();
  await quiet(page, wrong, 'rejects-search');
  await page.goto(`${server.base}/rejects?run=${run}`);
  await says(page, names.flow);
  await says(page, names.node);
  await quiet(page, wrong, 'rejects');
  await page.locator('.reject-groups .link').first().click();
  await page.locator('.reject-records').waitFor();
  await says(page, names.cell.slice(0, 30));
  await says(page, names.file);
  await quiet(page, wrong, 'reject-records');
  await page.getByRole('button', { name: 'Replay all 1…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replay', exact: true }).waitFor();
  await page.getByRole('dialog').getByText(/ fail$|cannot be replayed/).first().waitFor({ timeout: 30_000 });
  await quiet(page, wrong.filter((text) => !/422/.test(text)), 'reject-replay');
  await page.goto(`${server.base}/${encodeURIComponent(hostile('page').replaceAll('/', '|'))}`);
  await quiet(page, wrong.filter((text) => !/404|Failed to load/.test(text)), 'not-found');
  await context.close();
}, 180_000);

test('what these tests look for is found where a text does become elements', async () => {
  const { page, context, wrong } = await watched();
  await page.evaluate((text) => document.body.insertAdjacentHTML('beforeend', text), hostile('probe'));
  await expect.poll(() => wrong.length).toBeGreaterThan(0); // the policy refuses to run it, and says so
  await expect(quiet(page, wrong, 'probe')).rejects.toThrow();
  await context.close();
}, 30_000);
