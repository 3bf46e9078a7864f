import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, draft, edit, launch, look, open, sample, type Doc } from './page';
import { serve, type Server } from './server';

// What the canvas does under the hands of people, in a real browser.

let server: Server;
let browser: Browser;

beforeAll(async () => {
  server = await serve();
  browser = await launch();
}, 60_000);

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
}, 60_000);

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
  await look(page, 'progress-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await look(page, 'progress-dark');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText('Stopped').waitFor();
  expect(await bar.count()).toBe(0);
  expect(wrong).toEqual([]);
  await context.close();
}, 90_000);

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
  if (glides) expect(places).toBeGreaterThan(3);
  else expect(places).toBe(1);
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await draft(server, id)).layout!.nodes!, { timeout: 10_000 }).toEqual(document.layout.nodes);
  expect(wrong).toEqual([]);
  await context.close();
}, 60_000);
