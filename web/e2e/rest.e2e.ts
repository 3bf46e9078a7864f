import { createServer, type Server as Api } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, keep, launch, look, open, picture } from './page';
import { serve, type Server } from './server';

// An API is read as a builder does it: its connection beside the node, one sample, what leads to the next page chosen in
// the answer, a run over all pages. Nothing but the sample and the run calls the API.

let server: Server;
let browser: Browser;
let api: Api;
let base = '';
const asked: string[] = [];
const description = `openapi: 3.1.0
info: {title: Shop, version: 2}
servers: [{url: /v1}]
paths:
  /shops/{shop-id}/products:
    get:
      summary: Products of a shop
      tags: [catalogue]
      parameters:
        - {name: shop-id, in: path, required: true, schema: {type: integer, example: 7}}
        - {name: cursor, in: query, schema: {type: string}}
        - {name: limit, in: query, schema: {type: integer, default: 40}}
        - {name: sort, in: query, schema: {type: string, default: id}}
        - {name: since, in: query, schema: {type: string}}
      responses:
        '200':
          description: ok
          content:
            application/json:
              schema:
                properties:
                  data: {type: object, properties: {items: {type: array, items: {$ref: '#/components/schemas/Product'}}, count: {type: integer}}}
                  meta: {type: object, properties: {next_cursor: {type: [string, 'null']}}}
    delete: {summary: Remove all products, tags: [catalogue], deprecated: true}
  /products/{id}:
    put:
      summary: Change a product
      tags: [catalogue]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Product'}}}}
components: {schemas: {Product: {type: object, properties: {id: {type: integer}, name: {type: string}, price: {type: number}}}}}
`;
const token = 'canary-e2e-token';

beforeAll(async () => {
  api = createServer((request, answer) => {
    asked.push(`${request.method} ${request.url}`);
    const json = (status: number, body: unknown) => answer.writeHead(status, { 'Content-Type': 'application/json', Server: 'Shop/2' }).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${token}`) return json(401, { error: 'who are you?', sent: request.headers.authorization ?? null });
    if (request.url === '/v1/openapi.yaml') return answer.writeHead(200, { 'Content-Type': 'application/yaml' }).end(description);
    const from = Number(new URL(request.url ?? '', 'http://x').searchParams.get('cursor') ?? 0);
    const items = Array.from({ length: 40 }, (_, i) => ({ id: from + i + 1, name: `Product ${from + i + 1}`, price: (from + i) / 4, 'in stock': i % 3 > 0 }));
    return json(200, { data: { items, count: 120 }, meta: { next_cursor: from < 80 ? String(from + 40) : null } });
  });
  await new Promise<void>((done) => api.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(api.address() as AddressInfo).port}/v1`;
  server = await serve('--allow-network', 'loopback');
  browser = await launch();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  api?.close();
});

const flow = {
  format: 1, name: 'Products', nodes: [
    { id: 'products', type: 'rest.input', version: 1, name: 'Products', config: {} },
    { id: 'result', type: 'file.output', version: 1, name: 'Result', config: { path: 'products.csv', format: 'csv' } },
  ], edges: [{ from: { node: 'products', port: 'out' }, to: { node: 'result', port: 'in' } }], layout: { products: { x: 0, y: 0 }, result: { x: 320, y: 0 } },
};
const themes = ['light', 'dark'] as const;
const both = async (page: Page, name: string) => {
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await keep(page, `${name}-${colorScheme}`);
  }
};

test('the palette finds it by the names that people know', async () => {
  const { context, page } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow));
  await edit(server, page, id);
  await page.keyboard.press('/');
  for (const name of ['WebAPI', 'HTTP']) {
    await page.keyboard.press('Control+A');
    await page.keyboard.type(name);
    await expect.poll(() => page.locator('[role="option"]').first().textContent()).toContain('REST Input');
  }
  await context.close();
}, 60_000);

test('a connection, a sample, pages and a run', async () => {
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow));
  await edit(server, page, id);
  await page.locator('.react-flow__node[data-id="products"] .node-card').dblclick();
  const panel = page.locator('.config');
  await panel.getByRole('button', { name: 'New…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: false }).first().fill('shop');
  await dialog.getByLabel('Base URL').fill(base);
  await dialog.getByLabel('Authentication').selectOption('bearer');
  await dialog.locator('[data-path="token"] input').fill('wrong-token');
  await dialog.getByRole('button', { name: 'Test' }).click();
  await dialog.getByText('401 Unauthorized').waitFor();
  await both(page, 'rest-connection');
  expect(await dialog.textContent()).not.toContain('wrong-token');
  await dialog.locator('[data-path="token"] input').fill(token);
  await dialog.getByRole('button', { name: 'Test' }).click();
  await dialog.getByText('200 OK').waitFor();
  await picture(page, 'rest-connection-ok');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' }); // its fields have labels such as those of the panel
  await panel.getByLabel('Address').fill('/products');
  asked.length = 0;
  await panel.getByRole('button', { name: 'Fetch sample' }).click();
  await panel.getByText('200 OK').waitFor();
  await expect.poll(async () => (await draft(server, id)).nodes[0]!.config, { timeout: 15_000 }).toMatchObject({ recordPath: 'data.items' });
  await both(page, 'rest-input');
  await panel.getByRole('tab', { name: 'Response' }).click();
  await panel.getByRole('button', { name: /next_cursor/ }).focus();
  await page.keyboard.press('Enter');
  await both(page, 'rest-response');
  await panel.getByRole('toolbar').getByRole('button', { name: 'Cursor' }).click();
  await expect.poll(async () => (await draft(server, id)).nodes[0]!.config, { timeout: 15_000 }).toMatchObject({ paging: 'cursor', cursorPath: 'meta.next_cursor' });
  for (let i = 0; i < 5; i++) {
    for (const node of ['products', 'result']) {
      await page.locator(`.react-flow__node[data-id="${node}"] .card-title`).click();
      await expect.poll(() => page.locator('.preview-bar').textContent(), { timeout: 15_000 }).toContain('40 records of Products');
    }
    await page.getByRole('button', { name: 'Read the records again' }).click();
  }
  expect(asked).toEqual(['GET /v1/products']);
  await look(page, 'rest-preview', '.shell');
  const run = await call<{ id: string }>(server, 'POST', '/runs', { flow: id });
  await expect.poll(async () => (await call<{ state: string }>(server, 'GET', `/runs/${run.id}`)).state, { timeout: 20_000 }).toBe('succeeded');
  expect(asked.slice(1)).toEqual(['GET /v1/products', 'GET /v1/products?cursor=40', 'GET /v1/products?cursor=80']);
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);

test('a command of curl fills the node in, without its credentials', async () => {
  const { context, page } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify(flow));
  await edit(server, page, id);
  await page.locator('.react-flow__node[data-id="products"] .node-card').dblclick();
  await page.locator('.config').getByRole('button', { name: 'Paste curl…' }).press('Enter');
  await page.keyboard.type(`curl '${base}/products?page=2' -H 'Authorization: Bearer ${token}'`);
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await look(page, `rest-curl-${colorScheme}`);
  }
  await page.getByRole('button', { name: 'Fill in' }).press('Enter');
  await page.getByText('Put those into a connection').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().press('Enter');
  await expect.poll(async () => (await draft(server, id)).nodes[0]!.config, { timeout: 15_000 }).toMatchObject({ url: `${base}/products`, query: [{ name: 'page', value: '2' }] });
  expect(JSON.stringify(await draft(server, id))).not.toContain(token);
  await context.close();
}, 60_000);

test('an operation of an OpenAPI document fills the node in, by keyboard alone', async () => {
  const { context, page, wrong } = await open(browser, server);
  await call(server, 'POST', '/connections', { name: 'described', type: 'http', settings: { baseUrl: base, auth: 'bearer', token } });
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', JSON.stringify({ ...flow, nodes: [{ ...flow.nodes[0], config: { connection: 'described' } }, flow.nodes[1]] }));
  await edit(server, page, id);
  await page.locator('.react-flow__node[data-id="products"] .node-card').dblclick();
  await page.locator('.config').getByRole('button', { name: 'OpenAPI…' }).press('Enter');
  asked.length = 0;
  await page.keyboard.type('/nothing.yaml');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.getByRole('dialog').getByRole('alert').textContent()).toMatch(/^✕That is no OpenAPI document[^;]*; choose the description[^;]*\.$/);
  await look2(page, 'rest-openapi-source');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('/openapi.yaml');
  await page.keyboard.press('Enter');
  await page.locator('.operations [role="option"]').first().waitFor();
  await look2(page, 'rest-openapi-list');
  expect(await page.getByRole('dialog').textContent()).toContain('1 with a method that this node does not send');
  await page.keyboard.type('change');
  await expect.poll(() => page.locator('.operations [role="option"]').count()).toBe(1);
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Delete');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.getByText('Not needed, and left out: since.').waitFor();
  await look2(page, 'rest-openapi-notes');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  await expect.poll(async () => (await draft(server, id)).nodes[0]!.config, { timeout: 15_000 }).toEqual({
    connection: 'described', method: 'GET', url: '/shops/${shop_id}/products', query: [{ name: 'sort', value: 'id' }], recordPath: 'data.items', paging: 'cursor', cursorParameter: 'cursor', cursorPath: 'meta.next_cursor', sizeParameter: 'limit', pageSize: 40,
    fields: [{ name: 'id', type: 'int64' }, { name: 'name', type: 'text' }, { name: 'price', type: 'double' }],
  });
  expect((await draft(server, id)).parameters).toEqual([{ name: 'shop_id', type: 'text', default: '7' }]);
  expect(asked).toEqual(['GET /v1/nothing.yaml', 'GET /v1/openapi.yaml']);
  await look2(page, 'rest-openapi-filled');
  const run = await call<{ id: string }>(server, 'POST', '/runs', { flow: id });
  await expect.poll(async () => (await call<{ state: string }>(server, 'GET', `/runs/${run.id}`)).state, { timeout: 20_000 }).toBe('succeeded');
  await page.keyboard.press('Control+Z');
  await expect.poll(async () => (await draft(server, id)).nodes[0]!.config, { timeout: 15_000 }).toEqual({ connection: 'described' });
  expect(wrong.filter((w) => !w.includes('422') && !w.includes('400'))).toEqual([]);
  await context.close();
}, 90_000);

/** look2 takes pictures in both themes. */
async function look2(page: Page, name: string): Promise<void> {
  for (const colorScheme of themes) {
    await page.emulateMedia({ colorScheme });
    await look(page, `${name}-${colorScheme}`);
  }
}
