import AxeBuilder from '@axe-core/playwright';
import { mkdirSync } from 'node:fs';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { expect, onTestFailed } from 'vitest';
import type { Server } from './server';

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

// With SPARK_SLOW, in ms, questions to the server leave late, each by another time: what does not wait for its answer fails.
const slowest = Number(process.env['SPARK_SLOW'] ?? 0);

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: flags });
}

/** open signs a new browser profile in. Whatever the page complains about is collected. */
export async function open(browser: Browser, server: Server, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options });
  if (slowest > 0) {
    await context.route('**/api/v1/**', async (route) => {
      await new Promise((over) => setTimeout(over, Math.random() * slowest));
      await route.continue().catch(() => {}); // the page may be gone
    });
  }
  const page = await context.newPage();
  page.setDefaultTimeout(30_000); // a busy machine is no failure
  const wrong: string[] = [];
  page.on('console', (m) => { if (m.type() === 'error') wrong.push(m.text()); });
  page.on('pageerror', (e) => wrong.push(String(e)));
  onTestFailed(async ({ task }) => { // what somebody would have seen who stood by
    const seen = await page.locator('body').innerText({ timeout: 5_000 }).catch(String);
    console.error(`${page.url()} showed:\n${seen.slice(0, 4000)}\n${wrong.join('\n')}\n${String(task.result?.errors?.[0]?.message).slice(0, 1000)}`);
    await picture(page, `failed-${Date.now()}`).catch(String);
  });
  await page.goto(server.login);
  await page.waitForURL(server.base + '/flows');
  return { context, page, wrong };
}

/** call asks the API as the owner. */
export async function call<T>(server: Server, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init: RequestInit = { method, headers: { Authorization: `Bearer ${server.key}`, 'Content-Type': 'application/json', ...headers } };
  if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(`${server.base}/api/v1${path}`, init);
  const text = await answer.text();
  expect(answer.status, `${method} ${path}: ${text}`).toBeLessThan(300);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** sample creates the sample flow and opens its editor. */
export async function sample(server: Server, page: Page): Promise<string> {
  const { id } = await call<{ id: string }>(server, 'POST', '/flows/sample');
  await edit(server, page, id);
  return id;
}

export async function edit(server: Server, page: Page, id: string): Promise<void> {
  await page.goto(`${server.base}/flows/${id}`);
  await page.locator('.node-card').first().waitFor();
}

export interface Doc { name: string; nodes: { id: string; name?: string; config?: Record<string, unknown> }[]; layout?: { nodes?: Record<string, { x: number; y: number }> } }

/** draft is the document as it is saved. */
export async function draft(server: Server, id: string): Promise<Doc> {
  return (await call<{ document: Doc }>(server, 'GET', `/flows/${id}`)).document;
}

/** picture keeps what is seen where SPARK_LOOK names a folder, for people who want to look. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['SPARK_LOOK'];
  if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
}

/** usable asks axe whether everybody can use what is there. */
async function usable(page: Page, name: string, part?: string): Promise<void> {
  const axe = new AxeBuilder({ page });
  const found = await (part ? axe.include(part) : axe).analyze();
  expect(found.violations.map((v) => `${name}: ${v.id} at ${v.nodes.map((n) => n.html).join(', ')}`)).toEqual([]);
}

/** look keeps a picture for people who want to see, and asks axe about the page or a part of it. */
export async function look(page: Page, name: string, part?: string): Promise<void> {
  await picture(page, name);
  await usable(page, name, part);
}

const pictures = 'docs/screens';

/** keep keeps a picture for the documentation, and asks axe. */
export async function keep(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png` });
  await usable(page, name);
}
