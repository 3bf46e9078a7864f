import AxeBuilder from '@axe-core/playwright';
import { mkdirSync } from 'node:fs';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Server } from './server';

const pictures = 'docs/screens';
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export type Theme = 'light' | 'dark';

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: flags });
}

/** Visit is a page of somebody who is signed in. wrong collects what the console complains about. */
export interface Visit {
  context: BrowserContext;
  page: Page;
  wrong: string[];
}

/** visit signs in as the owner and ends on the page of the flows. */
export async function visit(browser: Browser, server: Server, theme: Theme): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: theme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const wrong: string[] = [];
  page.on('console', (m) => { if (m.type() === 'error') wrong.push(m.text()); });
  page.on('pageerror', (e) => wrong.push(String(e)));
  await page.goto(server.login);
  await page.waitForURL(server.base + '/flows');
  return { context, page, wrong };
}

/** look keeps a picture of the page and wants no fault of accessibility in it. */
export async function look(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png` });
  const found = await new AxeBuilder({ page }).analyze();
  expect(found.violations.map((v) => `${name}: ${v.id} at ${v.nodes.map((n) => n.html).join(', ')}`)).toEqual([]);
}
