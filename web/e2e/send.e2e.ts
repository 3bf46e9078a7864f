import { createServer, type Server as Api } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, keep, launch, open } from './page';
import { serve, type Server } from './server';

// A node that calls for each record calls for none while the flow is drawn, but for a few after somebody has said yes.

let server: Server;
let browser: Browser;
let api: Api;
let base = '';
const asked: string[] = [];

beforeAll(async () => {
  api = createServer((request, answer) => {
    asked.push(`${request.method} ${request.url}`);
    answer.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ path: request.url }));
  });
  await new Promise<void>((done) => api.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  server = await serve('--allow-network', 'loopback');
  browser = await launch();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  api?.close();
});

const flow = () => ({
  format: 1, name: 'Calls', nodes: [
    { id: 'orders', type: 'sample.data', version: 1, name: 'Orders', config: { dataset: 'orders', records: 12 } },
    { id: 'call', type: 'http.request', version: 1, name: 'Price', config: { method: 'POST', url: `${base}/prices/[order_id]`, send: 'record' } },
    { id: 'send', type: 'rest.output', version: 1, name: 'Send', config: { url: `${base}/orders`, parallel: 1 } },
  ],
  edges: [{ from: { node: 'orders', port: 'out' }, to: { node: 'call', port: 'in' } }, { from: { node: 'call', port: 'out' }, to: { node: 'send', port: 'in' } }],
  layout: { orders: { x: 0, y: 0 }, call: { x: 320, y: 0 }, send: { x: 640, y: 0 } },
});

const both = async (page: Page, name: string) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await keep(page, `${name}-${colorScheme}`);
  }
};

test('the palette finds both by the names that people know', async () => {
  const { context, page } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow()));
  await edit(server, page, id);
  await page.keyboard.press('/');
  for (const [name, title] of [['HttpRequest', 'HTTP Request'], ['Execute HTTP', 'HTTP Request'], ['WebAPI', 'REST Input'], ['REST Output', 'REST Output']] as const) {
    await page.keyboard.press('Control+A');
    await page.keyboard.type(name);
    await expect.poll(() => page.locator('[role="option"]').first().textContent()).toContain(title);
  }
  await context.close();
}, 60_000);

test('nothing is sent but after a yes, and then for five records', async () => {
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow()));
  await edit(server, page, id);
  asked.length = 0;
  await page.locator('.react-flow__node[data-id="send"] .node-card').dblclick();
  await page.locator('.config [data-path="url"]').waitFor();
  await both(page, 'rest-output');
  await page.locator('.react-flow__node[data-id="call"] .node-card').dblclick();
  const panel = page.locator('.config');
  await panel.getByText('Nothing has been sent.').waitFor();
  await expect.poll(() => page.locator('.preview').textContent(), { timeout: 15_000 }).toContain('othing was sent for 12 records');
  await both(page, 'http-request');
  const button = panel.getByRole('button', { name: 'Send a sample…' });
  await button.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Up to 5 real requests').waitFor();
  await both(page, 'http-request-consent');
  await page.keyboard.press('Enter'); // the first button is Cancel
  await dialog.waitFor({ state: 'hidden' });
  expect(asked).toEqual([]);
  await button.click();
  await dialog.getByRole('button', { name: 'Send up to 5' }).click();
  await panel.getByText('5 requests were sent').waitFor();
  expect(asked.filter((a) => a.startsWith('POST /prices/')).length).toBe(5);
  await expect.poll(() => page.locator('.preview').textContent(), { timeout: 15_000 }).toContain('othing was sent for 7 records');
  await panel.getByRole('tab', { name: 'Response' }).click();
  await both(page, 'http-request-response');
  expect(asked.length).toBe(5);
  const run = await call<{ id: string }>(server, 'POST', '/runs', { flow: id });
  await expect.poll(async () => (await call<{ state: string }>(server, 'GET', `/runs/${run.id}`)).state, { timeout: 20_000 }).toBe('succeeded');
  expect(asked.filter((a) => a === 'POST /orders').length).toBe(12);
  expect(asked.length).toBe(5 + 12 + 12);
  expect(wrong).toEqual([]);
  await context.close();
}, 240_000);

test('an operation of a file of 10,000 becomes a request by mouse, with the fields of the input', async () => {
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow()));
  await edit(server, page, id);
  asked.length = 0;
  await page.locator('.react-flow__node[data-id="call"] .node-card').dblclick();
  const panel = page.locator('.config');
  await expect.poll(() => page.locator('.preview').textContent(), { timeout: 15_000 }).toContain('12 records'); // the fields of the input are known
  await panel.getByRole('button', { name: 'OpenAPI…' }).click();
  const dialog = page.getByRole('dialog');
  const schema = { required: ['order_id', 'remark'], properties: { order_id: { type: 'integer' }, remark: { type: 'string', example: 'late [again]' } } };
  const operation = (summary: string) => ({ summary, requestBody: { content: { 'application/json': { schema } } }, responses: { 200: { content: { 'application/json': { schema: { type: 'object', properties: {} } } } } } });
  const paths: Record<string, unknown> = {};
  for (let i = 0; i < 9_999; i++) paths[`/things/${i}`] = { get: { summary: `Thing ${i}`, tags: ['things'] } };
  paths['/orders/{orderId}/notes'] = { patch: operation('Add a note to an order') };
  const file = { name: 'openapi.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ openapi: '3.0.3', servers: [{ url: `${base}/v1` }], paths })) };
  await dialog.locator('input[type="file"]').setInputFiles({ ...file, buffer: Buffer.from('{"openapi": "3.0.3",\n"paths": {') });
  await dialog.getByText('line 2: it ends too early').waitFor();
  await dialog.locator('input[type="file"]').setInputFiles(file);
  await dialog.getByText('The first 200 of 10000 are shown').waitFor();
  const began = Date.now();
  await dialog.getByLabel('Search operations').fill('patch note');
  await expect.poll(() => dialog.locator('.operations [role="option"]').count()).toBe(1);
  expect(Date.now() - began).toBeLessThan(3_000);
  await both(page, 'http-request-openapi');
  await dialog.getByText('Add a note to an order').click();
  await expect.poll(() => dialog.count()).toBe(0);
  await expect.poll(async () => (await draft(server, id)).nodes[1]!.config, { timeout: 15_000 }).toEqual({
    method: 'PATCH', url: `${base}/v1/orders/[order_id]/notes`, send: 'template', responseAs: 'json', body: '{\n  "order_id": [order_id],\n  "remark": "late [[again]"\n}',
  });
  expect(asked).toEqual([]);
  const run = await call<{ id: string }>(server, 'POST', '/runs', { flow: id });
  await expect.poll(async () => (await call<{ state: string }>(server, 'GET', `/runs/${run.id}`)).state, { timeout: 20_000 }).toBe('succeeded');
  expect(asked.filter((a) => /^PATCH \/v1\/orders\/\d+\/notes$/.test(a)).length).toBe(12);
  expect(wrong.filter((w) => !w.includes('422'))).toEqual([]);
  await context.close();
}, 120_000);
