import { execFileSync } from 'node:child_process';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, keep, launch, open } from './page';
import { serve, type Server } from './server';

// The sample flow in a real browser against the real program: from the empty page to exact counts, every page looked at
// in both themes. The pictures are kept under docs/screens.

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

interface Node { node: string; activity?: unknown; in?: Record<string, number>; out?: Record<string, number>; written?: number }

/** reference is what the command line counts for the same flow, in a process of its own. */
function reference(): Map<string, Node> {
  const lines = execFileSync('bin/spark', ['run', '--sample', '--json'], { encoding: 'utf8', maxBuffer: 1 << 26 }).trim().split('\n');
  const last = lines.map((l) => JSON.parse(l) as { kind: string; nodes?: Node[] }).filter((e) => e.kind === 'counts').at(-1);
  return new Map(last!.nodes!.map((n) => [n.node, n]));
}

test('the sample flow runs from the empty page, with the counts of the command line', async () => {
  const { context, page, wrong } = await open(browser, server, { colorScheme: 'light' });
  await keep(page, 'empty-light');
  const began = Date.now();
  await page.getByText('Run the sample flow').first().click();
  await page.waitForURL(/\/flows\/[0-9a-f-]{36}/);
  await page.getByText('8/8 nodes').waitFor({ timeout: 60_000 });
  expect(Date.now() - began).toBeLessThan(60_000);
  const headers = { Authorization: `Bearer ${server.key}` };
  const runs = (await (await fetch(`${server.base}/api/v1/runs`, { headers })).json()) as { items: { id: string }[] };
  const run = (await (await fetch(`${server.base}/api/v1/runs/${runs.items[0]!.id}`, { headers })).json()) as { state: string; nodes: Node[] };
  expect(run.state).toBe('succeeded');
  const want = reference();
  expect(run.nodes.length).toBe(want.size);
  const counts = ({ activity: _, ...rest }: Node) => rest; // how the time was spent is another every time
  for (const node of run.nodes) expect(counts(node), node.node).toEqual(counts(want.get(node.node)!));
  // Neither opening the page again nor an address starts a run.
  await page.goto(`${page.url()}?run`);
  await page.getByText('Amount').first().waitFor();
  await page.waitForLoadState('networkidle');
  expect((await call<{ items: unknown[] }>(server, 'GET', '/runs')).items).toHaveLength(1);
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);

for (const theme of ['light', 'dark'] as const) {
  test(`every page in ${theme}`, async () => {
    const { context, page, wrong } = await open(browser, server, { colorScheme: theme });
    await keep(page, `flows-${theme}`);
    await page.locator('a[href^="/flows/"]').first().click();
    await page.getByText('Amount').first().click();
    await page.getByRole('grid').nth(1).waitFor();
    await keep(page, `editor-${theme}`);
    await page.keyboard.press('Enter');
    await page.getByText('A record that is refused').waitFor();
    await page.locator('.cm-editor').first().waitFor();
    await keep(page, `settings-${theme}`);
    await page.goto(server.base + '/runs');
    await keep(page, `runs-${theme}`);
    await page.locator('a[href^="/runs/"]').first().click();
    await page.getByText('The run succeeded').waitFor();
    await keep(page, `run-${theme}`);
    await page.goto(server.base + '/help/nodes/filter');
    await keep(page, `help-${theme}`);
    expect(wrong).toEqual([]);
    await context.close();
  }, 120_000);
}
