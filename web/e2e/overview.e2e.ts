import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, launch, open } from './page';
import { serve, type Server } from './server';

// A flow of 1,000 nodes in a real browser: cards are in the page only where they are seen, and the painted overview takes
// the wheel, clicks and double clicks.

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

/** create makes a flow of 50 rows of 20 nodes and answers its page. */
async function create(): Promise<string> {
  const cells = Array.from({ length: 1000 }, (_, n) => ({ id: `n${n}`, x: 304 * (n % 20), y: 128 * Math.floor(n / 20) }));
  const document = {
    format: 1, name: 'Wide', edges: [],
    nodes: cells.map(({ id }) => ({ id, type: 'limit', version: 1, config: { count: 1 } })),
    layout: { nodes: Object.fromEntries(cells.map(({ id, x, y }) => [id, { x, y }])) },
  };
  const { id } = await call<{ id: string }>(server, 'POST', '/flows', { document });
  return `${server.base}/flows/${id}`;
}

async function wheel(page: Page, delta: number): Promise<void> {
  const box = (await page.locator('.canvas').boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, delta);
  await page.keyboard.up('Control');
}

test('the overview of 1,000 nodes zooms into cards and back, and is clicked', async () => {
  const { context, page } = await open(browser, server);
  await page.goto(await create());
  const overview = page.locator('.overview');
  const cards = page.locator('.node-card');
  await overview.waitFor();
  expect(await cards.count()).toBe(0);

  await wheel(page, -2000);
  await cards.first().waitFor();
  expect(await overview.count()).toBe(0);
  expect(await cards.count()).toBeLessThanOrEqual(40);
  await wheel(page, 2000);
  await overview.waitFor();
  expect(await cards.count()).toBe(0);

  const box = (await page.locator('.canvas').boundingBox())!;
  const seen = await page.locator('.react-flow__viewport').evaluate((view) => {
    const { a, e, f } = new DOMMatrix(getComputedStyle(view).transform);
    return { zoom: a, x: e, y: f };
  });
  const screen = (n: number) => [box.x + seen.x + seen.zoom * (304 * (n % 20) + 110), box.y + seen.y + seen.zoom * (128 * Math.floor(n / 20) + 38)] as const;
  await page.mouse.dblclick(...screen(510));
  await page.locator('#card-n510.focused').waitFor();
  expect(await overview.count()).toBe(0);
  await context.close();
}, 60_000);
