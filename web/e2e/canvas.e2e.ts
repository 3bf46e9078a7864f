import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, launch, look, open, picture, sample, type Doc } from './page';
import { serve, type Server } from './server';

// What the canvas does under the hands of people, in a real browser.

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

test.each(['light', 'dark'] as const)('the menu of a node opens by mouse and keyboard, stays in the window, and gives the keyboard back (%s)', async (colorScheme) => {
  const { context, page, wrong } = await open(browser, server, { colorScheme });
  await sample(server, page);
  const card = page.locator('.node-card').first();
  await card.hover();
  expect(await card.locator('.card-tools button').evaluateAll((all) => all.map((b) => b.getAttribute('aria-label')))).toEqual(['Run to here', 'Preview', 'Disable or enable', 'More actions']);
  await look(page, `tools-${colorScheme}`);
  await card.getByRole('button', { name: 'More actions', includeHidden: true }).click();
  const menu = page.getByRole('menu');
  await menu.waitFor();
  await look(page, `menu-${colorScheme}`);
  const box = (await menu.boundingBox())!;
  expect(box.y + box.height).toBeLessThanOrEqual(900);
  await page.keyboard.press('Escape');
  await menu.waitFor({ state: 'detached' });
  await page.keyboard.press('Shift+F10'); // the canvas has the keyboard
  await menu.waitFor();
  await page.keyboard.press('ArrowDown');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Preview');
  await page.keyboard.press('End');
  await page.keyboard.press('Escape');
  await card.click({ button: 'right' });
  await menu.getByRole('menuitem', { name: 'Rename' }).click();
  await page.keyboard.type('Customers, renamed');
  await page.keyboard.press('Enter');
  await card.getByText('Customers, renamed').waitFor();
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);

test('a source that knows its size shows how much of it has been read, while it runs', async () => {
  const { context, page, wrong } = await open(browser, server);
  const id = await sample(server, page);
  const { document, etag } = await call<{ document: Doc; etag: string }>(server, 'GET', `/flows/${id}`);
  document.nodes.find((n) => n.id === 'orders')!.config!['records'] = 40_000_000;
  await call(server, 'PUT', `/flows/${id}/draft`, { document }, { 'If-Match': `"${etag}"` });
  await edit(server, page, id);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const bar = page.locator('#card-orders .card-progress > span');
  await page.waitForFunction(() => (document.querySelector('#card-orders .card-progress > span')?.getBoundingClientRect().width ?? 0) > 5, undefined, { timeout: 30_000 });
  await picture(page, 'progress-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await picture(page, 'progress-dark');
  await page.locator('.top').getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText('Stopped').waitFor();
  expect(await bar.count()).toBe(0);
  expect(wrong).toEqual([]);
  await context.close();
}, 180_000);

test.each([['no-preference', true], ['reduce', false]] as const)('a tidy-up moves the nodes as one undo step; with motion %s they glide: %s', async (reducedMotion, glides) => {
  const { context, page, wrong } = await open(browser, server, { reducedMotion });
  const id = await sample(server, page);
  const { document, etag } = await call<{ document: Doc; etag: string }>(server, 'GET', `/flows/${id}`);
  document.layout = { nodes: Object.fromEntries(document.nodes.map((n, i) => [n.id, { x: (i % 2) * 320, y: i * 128 }])) };
  await call(server, 'PUT', `/flows/${id}/draft`, { document }, { 'If-Match': `"${etag}"` });
  await edit(server, page, id);
  const where = () => page.evaluate(() => [...document.querySelectorAll<HTMLElement>('.react-flow__node')].map((n) => `${n.dataset['id']} ${n.style.transform}`).sort().join('\n'));
  await page.evaluate(() => {
    const node = document.querySelector<HTMLElement>('.react-flow__node[data-id="orders"]')!.parentElement!;
    const seen = ((window as unknown as { seen: Set<string> }).seen = new Set<string>());
    new MutationObserver(() => seen.add(document.querySelector<HTMLElement>('.react-flow__node[data-id="customers"]')?.style.transform ?? '')).observe(node, { subtree: true, attributes: true, attributeFilter: ['style'] });
  });
  await page.getByRole('button', { name: 'Tidy up' }).click();
  const drawn = (places: NonNullable<Doc['layout']>['nodes']) => Object.entries(places!).map(([n, p]) => `${n} translate(${p.x}px, ${p.y}px)`).sort().join('\n');
  await expect.poll(async () => (await draft(server, id)).layout!.nodes!, { timeout: 10_000 }).not.toEqual(document.layout.nodes);
  expect(await where()).toBe(drawn((await draft(server, id)).layout!.nodes)); // saved a second later: the glide is over
  const places = await page.evaluate(() => (window as unknown as { seen: Set<string> }).seen.size);
  if (glides) expect(places).toBeGreaterThan(1);
  else expect(places).toBe(1);
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await draft(server, id)).layout!.nodes!, { timeout: 10_000 }).toEqual(document.layout.nodes);
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);

test.each(['light', 'dark'] as const)('below 900 pixels the flow can be looked at and run, but not changed (%s)', async (colorScheme) => {
  const { context, page, wrong } = await open(browser, server, { colorScheme });
  const id = await sample(server, page);
  const name = page.getByLabel('Name of the flow');
  await name.fill('Changed just before');
  await page.setViewportSize({ width: 700, height: 900 });
  await page.getByText('too narrow for editing').waitFor();
  await expect.poll(async () => (await draft(server, id)).name, { timeout: 10_000 }).toBe('Changed just before'); // what was changed is saved
  expect(await name.getAttribute('readonly')).toBe('');
  const before = await draft(server, id);
  const card = page.locator('#card-orders');
  const box = (await card.boundingBox())!;
  await page.mouse.move(box.x + 20, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + 200, box.y + 90, { steps: 5 });
  await page.mouse.up();
  await card.click();
  for (const key of ['Delete', 'd', 'F2', 'a', 'Shift+A', 'Control+d', 'Control+z']) await page.keyboard.press(key);
  expect(await page.locator('.node-card').count()).toBe(8);
  expect(await page.getByRole('combobox', { name: /^Add a node/ }).count()).toBe(0);
  await look(page, `narrow-${colorScheme}`);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Close the settings' }).waitFor();
  await look(page, `narrow-settings-${colorScheme}`);
  await page.getByRole('button', { name: 'Close the settings' }).click();
  await page.setViewportSize({ width: 390, height: 800 });
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByText('Done', { exact: true }).first().waitFor({ timeout: 60_000 });
  await look(page, `phone-canvas-${colorScheme}`);
  await page.getByRole('button', { name: 'Outline' }).click();
  await look(page, `phone-${colorScheme}`);
  const over = await page.evaluate(() => {
    const parts = [...document.querySelectorAll('.top > *, .left')].map((e) => ({ name: e.className, box: e.getBoundingClientRect() })).filter(({ box }) => box.width > 0);
    return parts.filter(({ box }, i) => box.right > innerWidth + 1 || (i > 0 && parts[i - 1]!.box.bottom === box.bottom && parts[i - 1]!.box.right > box.left)).map(({ name }) => name);
  });
  expect(over).toEqual([]);
  expect(await draft(server, id)).toEqual(before);
  await page.setViewportSize({ width: 1000, height: 800 });
  await page.getByText('too narrow for editing').waitFor({ state: 'detached' });
  expect(await name.getAttribute('readonly')).toBeNull();
  expect(wrong).toEqual([]);
  await context.close();
}, 180_000);

test('a file that is dropped on the canvas is one undo step', async () => {
  const { context, page, wrong } = await open(browser, server);
  const { id } = await call<{ id: string }>(server, 'POST', '/flows', { document: { format: 1, name: 'Dropped', nodes: [], edges: [] } });
  await page.goto(`${server.base}/flows/${id}`);
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['id,name\n1,Ann\n2,Bo\n'], 'people.csv', { type: 'text/csv' }));
    return transfer;
  });
  await page.locator('.canvas').waitFor();
  await page.dispatchEvent('.canvas', 'drop', { dataTransfer: data, clientX: 700, clientY: 300 });
  await page.getByRole('button', { name: 'Use these fields' }).click();
  const card = page.locator('.node-card');
  await card.getByText('people', { exact: true }).waitFor();
  await expect.poll(async () => (await draft(server, id)).nodes[0]?.config?.['fields'], { timeout: 10_000 }).toHaveLength(2);
  const made = (await draft(server, id)).nodes;
  const undo = page.getByRole('button', { name: 'Undo' });
  expect(await undo.getAttribute('title')).toContain('Add people.csv');
  await undo.click();
  expect(await card.count()).toBe(0);
  expect(await undo.isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Redo' }).click();
  await card.waitFor();
  await expect.poll(async () => (await draft(server, id)).nodes, { timeout: 10_000 }).toEqual(made);
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);

test.each([[1440, 900], [1100, 800]])('the settings never cover the node that they are about (%i × %i)', async (width, height) => {
  const { context, page, wrong } = await open(browser, server, { viewport: { width, height } });
  await sample(server, page);
  for (const id of ['file', 'orders', 'customers', 'revenue']) {
    await page.getByRole('button', { name: 'Show the whole flow' }).click();
    await page.locator(`#card-${id}`).click();
    await page.keyboard.press('Enter');
    const settings = page.getByRole('complementary', { name: 'Settings' }).locator('.right');
    await settings.waitFor();
    const right = (await settings.boundingBox())!;
    const canvas = (await page.locator('.canvas').boundingBox())!;
    await expect.poll(async () => {
      const box = await page.locator(`#card-${id}`).boundingBox();
      return box !== null && box.x >= canvas.x && box.x + box.width <= right.x && box.y >= canvas.y && box.y + box.height <= canvas.y + canvas.height;
    }, { message: id }).toBe(true);
    await picture(page, `sight-${width}-${id}`);
    await page.keyboard.press('Escape');
    await settings.waitFor({ state: 'detached' });
  }
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);

test('undo in a setting is the undo of the flow, and that of a search is its own', async () => {
  const { context, page, wrong } = await open(browser, server);
  await sample(server, page);
  await page.locator('#card-orders').click();
  await page.keyboard.press('Alt+ArrowDown'); // a step before
  await page.keyboard.press('Enter');
  const records = page.getByLabel('Records', { exact: true });
  await records.fill('77');
  await records.blur();
  await records.focus(); // untouched since
  await page.keyboard.press('Control+z');
  await expect.poll(() => records.inputValue()).toBe('2000000');
  expect(await page.getByRole('button', { name: 'Undo' }).getAttribute('title')).toContain('Move node');
  await page.keyboard.press('Control+Shift+z');
  await expect.poll(() => records.inputValue()).toBe('77');
  const name = page.getByLabel('Name of the node');
  await name.fill('Sales');
  await page.keyboard.press('Control+z');
  await expect.poll(() => name.inputValue()).toBe('Orders');
  const flow = page.getByLabel('Name of the flow');
  await flow.fill('Other');
  await page.keyboard.press('Control+z');
  await expect.poll(() => flow.inputValue()).toBe('Revenue by country');
  const search = page.getByLabel('Search nodes');
  await search.pressSequentially('filter');
  await page.keyboard.press('Control+z');
  expect(await search.inputValue()).not.toBe('filter');
  expect(await records.inputValue()).toBe('77');
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);
