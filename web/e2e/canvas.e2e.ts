import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, look, open, sample } from './page';
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
