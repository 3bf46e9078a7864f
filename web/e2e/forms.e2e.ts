import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, edit, launch, look, open } from './page';
import { serve, type Server } from './server';

// The settings of every node type, with the values of its example: all of them can be read and used in both themes.

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

interface Example { nodes: { id: string; type: string }[] }

const examples = ['flows/transform', 'connectors'].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => /(^|\/)examples\/[^/]*\.json$/.test(path)).map((path) => join(folder, path))).sort();

test('every node type has an example', async () => {
  const { nodes } = await call<{ nodes: { id: string }[] }>(server, 'GET', '/catalogue');
  const shown = new Set(examples.flatMap((path) => (JSON.parse(readFileSync(path, 'utf8')) as Example).nodes.map((n) => n.type)));
  expect(nodes.map((t) => t.id).filter((id) => !shown.has(id))).toEqual([]);
});

test('the settings of every node type, in both themes', async () => {
  const { context, page, wrong } = await open(browser, server);
  for (const path of examples) {
    const text = readFileSync(path, 'utf8');
    const name = `form-${basename(dirname(dirname(path)))}-${basename(path, '.json')}`;
    const nodes = (JSON.parse(text) as Example).nodes;
    const node = nodes.find((n) => !['sample.data', 'file.input', 'file.output'].includes(n.type)) ?? nodes[0]!;
    const { id } = await call<{ id: string }>(server, 'POST', '/flows/import', text);
    await edit(server, page, id);
    await page.locator(`.react-flow__node[data-id="${node.id}"] .card-title`).dblclick();
    await page.locator('.config-body').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await look(page, `${name}-${colorScheme}`, '.config');
    }
    expect(await page.locator('.config-body').evaluate((body) => body.scrollWidth - body.clientWidth), `${name} is wider than its panel`).toBeLessThanOrEqual(0);
  }
  expect(wrong).toEqual([]);
  await context.close();
}, 600_000);
