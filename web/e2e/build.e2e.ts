import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keep, launch, open } from './page';
import { wanted, writeOrders } from './orders';
import { serve, type Server } from './server';

// People build a flow over two million records, look at the records of every node, run it and watch it count: once with
// the mouse, once without.

const records = 2_000_000;
const want = wanted(records);
const first = wanted(1000); // what a preview sees

let server: Server;
let browser: Browser;

beforeAll(async () => {
  server = await serve('--threads', '1'); // so that a fast machine, too, is seen counting
  writeOrders(server.files, records);
  browser = await launch();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
});

/** nodes are those of the flow, with what is previewed and what is counted in the end. */
const nodes: readonly { title: string; preview: number; out: number }[] = [
  { title: 'File Input', preview: first.read, out: want.read },
  { title: 'Filter', preview: first.paid, out: want.paid },
  { title: 'Formula', preview: first.paid, out: want.paid },
  { title: 'File Input 2', preview: 1000, out: want.customers },
  { title: 'Join', preview: first.joined, out: want.joined },
  { title: 'Aggregate', preview: first.groups.size, out: want.groups.size },
];

/** newFlow is the button of the page of the flows, also while there are none. */
const newFlow = (page: Page) => page.getByRole('button', { name: 'Blank flow' }).or(page.getByRole('button', { name: 'New flow', exact: true }));
const card = (page: Page, title: string) => page.locator('.node-card').filter({ has: page.locator('.card-title', { hasText: new RegExp(`^${title}$`) }) });
const settings = (page: Page) => page.getByRole('complementary', { name: 'Settings' });

/** seesPreview waits until the grid holds the records of the selected node. */
async function seesPreview(page: Page, preview: number): Promise<void> {
  const output = page.getByRole('region', { name: 'Output' });
  const n = preview.toLocaleString('en');
  await output.getByText(new RegExp(`^(\\d+ of )?${n} records?$`)).or(output.getByRole('button', { name: new RegExp(`^\\w+ · ${n}$`), pressed: true })).waitFor();
  await output.getByRole('grid').waitFor();
}

/** watch keeps every count that the cards show from now on. */
async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: Record<string, string[]> = {};
    const note = () => {
      for (const c of document.querySelectorAll('.node-card')) {
        const title = c.querySelector('.card-title')!.textContent!;
        const text = c.querySelector('.card-count > span')!.textContent!;
        if (text !== '' && seen[title]?.at(-1) !== text) (seen[title] ??= []).push(text);
      }
    };
    new MutationObserver(note).observe(document.querySelector('.canvas')!, { subtree: true, childList: true, characterData: true });
    (window as unknown as { seen: typeof seen }).seen = seen;
  });
}

const units: Record<string, number> = { k: 1e3, M: 1e6 };

function numberOf(text: string): number {
  const [digits, unit] = text.split(' ');
  return Number(digits) * (unit ? units[unit]! : 1);
}

/** sawCountsRise wants rising counts, not only the last one, at three nodes or more. */
async function sawCountsRise(page: Page): Promise<void> {
  const seen = await page.evaluate(() => (window as unknown as { seen: Record<string, string[]> }).seen);
  let rising = 0;
  for (const [title, texts] of Object.entries(seen)) {
    const values = texts.map(numberOf);
    expect(values, title).toEqual([...values].sort((a, b) => a - b));
    if (new Set(values.slice(0, -1).filter((v) => v > 0)).size >= 3) rising++;
  }
  expect(rising, JSON.stringify(seen)).toBeGreaterThanOrEqual(3);
}

/** isRight compares the counts of the last run and the written file with what they have to be. */
async function isRight(file: string): Promise<void> {
  const headers = { Authorization: `Bearer ${server.key}` };
  const list = (await (await fetch(`${server.base}/api/v1/runs`, { headers })).json()) as { items: { id: string }[] };
  const run = (await (await fetch(`${server.base}/api/v1/runs/${list.items[0]!.id}`, { headers })).json()) as { state: string; document?: unknown; nodes: { node: string; out?: Record<string, number>; written?: number }[] };
  expect(run.state).toBe('succeeded');
  const outs = run.nodes.filter((n) => n.written === undefined || n.written === 0).map((n) => Object.entries(n.out ?? {}).find(([port]) => port !== 'rejects')?.[1]);
  expect(outs.sort()).toEqual(nodes.map((n) => n.out).sort());
  expect(run.nodes.find((n) => n.written)?.written).toBe(want.groups.size);
  const [header, ...lines] = readFileSync(join(server.files, file), 'utf8').trim().split(/\r?\n/);
  expect(header).toBe('region,orders,revenue');
  const got = new Map(lines.map((line) => line.split(',')).map(([region, orders, revenue]) => [region, { orders: Number(orders), revenue }]));
  expect(got).toEqual(want.groups);
}

test('with the mouse', async () => {
  const { context, page, wrong } = await open(browser, server, { colorScheme: 'light' });
  await newFlow(page).click();
  await page.waitForURL(/\/flows\/[0-9a-f-]{36}/);
  const canvas = (await page.locator('.canvas').boundingBox())!;
  const stage = (x: number, y: number) => ({ x: canvas.x + x, y: canvas.y + y });

  const dragFromPalette = async (word: string, title: string, to: { x: number; y: number }) => {
    await page.getByRole('searchbox', { name: 'Search nodes' }).fill(word);
    const item = page.locator('.palette-item').filter({ hasText: title }).first();
    await item.hover();
    await page.mouse.down();
    await page.mouse.move(to.x - 20, to.y, { steps: 4 });
    await page.mouse.move(to.x, to.y, { steps: 4 });
    await page.mouse.up();
  };
  const port = (title: string, name: string) => card(page, title).locator(`[data-handleid="${name}"]`);
  const middle = async (of: Locator) => {
    const box = (await of.boundingBox())!;
    return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  };
  const drag = async (from: Locator, to: { x: number; y: number }) => {
    const start = await middle(from);
    await page.mouse.move(start.x, start.y);
    await page.mouse.down();
    await page.mouse.move((start.x + to.x) / 2, (start.y + to.y) / 2, { steps: 4 });
    await page.mouse.move(to.x, to.y, { steps: 4 });
    await page.mouse.up();
  };
  const openSettings = (title: string) => card(page, title).dblclick();
  const chooseFile = async (title: string, file: string) => {
    await openSettings(title);
    await settings(page).getByRole('button', { name: 'Browse…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: file }).click();
    await page.getByRole('button', { name: 'Use these fields' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  };
  const close = () => settings(page).getByRole('button', { name: 'Close the settings' }).click();

  const type = async (label: string, expression: string) => {
    await settings(page).getByRole('textbox', { name: label }).last().click();
    await page.keyboard.type(expression);
  };
  const previews = async (title: string, preview: number) => {
    await card(page, title).click();
    await seesPreview(page, preview);
  };
  /** place drops an edge on the empty canvas right of the node and chooses what comes there. */
  const place = async (after: string, name: string, option: string) => {
    await page.getByRole('button', { name: 'Show the whole flow' }).click();
    const at = await middle(port(after, name));
    await drag(port(after, name), { x: at.x + 120, y: at.y });
    await page.getByRole('option', { name: new RegExp(`^${option}`) }).first().click();
  };

  await dragFromPalette('csv', 'File Input', stage(130, 120));
  await chooseFile('File Input', 'orders.csv');
  await close();
  await place('File Input', 'out', 'Filter');
  await openSettings('Filter');
  await type('Condition', "status = 'paid'");
  await close();

  await page.getByRole('searchbox', { name: 'Search nodes' }).fill('formula');
  await page.locator('.palette-item').filter({ hasText: 'Formula' }).first().click(); // after the selected Filter
  await openSettings('Formula');
  await settings(page).getByRole('button', { name: 'Add a field' }).click();
  await settings(page).getByRole('textbox', { name: 'Field *' }).fill('total');
  await type('Expression', 'quantity * unit_price');
  await close();

  await dragFromPalette('csv', 'File Input', stage(400, 320));
  await chooseFile('File Input 2', 'customers.csv');
  await close();
  await place('Formula', 'out', 'Join');
  await drag(port('File Input 2', 'out'), await middle(port('Join', 'right')));
  await openSettings('Join');
  await settings(page).getByRole('button', { name: 'Add a pair' }).click();
  await settings(page).getByRole('combobox', { name: 'Left: choose a field' }).selectOption('customer_id');
  await settings(page).getByRole('combobox', { name: 'Right: choose a field' }).selectOption('id');
  await close();

  await place('Join', 'out', 'Aggregate');
  await openSettings('Aggregate');
  await settings(page).getByRole('combobox', { name: 'Add a field to Group by' }).click();
  await settings(page).getByRole('option', { name: /^region/ }).click();
  await settings(page).getByRole('button', { name: 'Add an aggregate' }).click();
  await settings(page).getByRole('textbox', { name: 'Field *' }).last().fill('orders');
  await settings(page).getByRole('combobox', { name: 'Function' }).last().selectOption('count');
  await settings(page).getByRole('button', { name: 'Add an aggregate' }).click();
  await settings(page).getByRole('textbox', { name: 'Field *' }).last().fill('revenue');
  await settings(page).getByRole('combobox', { name: 'Function' }).last().selectOption('sum');
  await settings(page).getByRole('combobox', { name: 'Field', exact: true }).last().selectOption('total');
  await close();
  await place('Aggregate', 'out', 'File Output');
  await openSettings('File Output');
  await settings(page).getByRole('textbox', { name: 'File *' }).fill('regions.csv');
  await close();

  await page.getByRole('button', { name: 'Tidy up' }).click();
  await page.getByRole('button', { name: 'Show the whole flow' }).click();
  for (const { title, preview } of nodes) await previews(title, preview);
  await keep(page, 'build-light');
  await watch(page);
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByText('7/7 nodes').waitFor({ timeout: 60_000 });
  await keep(page, 'built-light');
  await sawCountsRise(page);
  await isRight('regions.csv');
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);

test('with the keyboard', async () => {
  const { context, page, wrong } = await open(browser, server, { colorScheme: 'dark' });
  const { keyboard } = page;
  /** go presses Tab until the keyboard is there. */
  const go = async (to: Locator, key = 'Tab') => {
    for (let i = 0; i < 60; i++) {
      if (await to.evaluate((e) => e === document.activeElement).catch(() => false)) return;
      await keyboard.press(key);
    }
    throw new Error(`the keyboard never gets to ${to}`);
  };
  const press = async (to: Locator) => {
    await go(to);
    await keyboard.press('Enter');
  };
  /** choose types the field's name once the list has it. */
  const choose = async (list: Locator, field: string) => {
    await list.locator('option', { hasText: new RegExp(`^${field} ·`) }).waitFor({ state: 'attached' });
    await go(list);
    await keyboard.type(field);
  };
  const add = async (what: string) => {
    await keyboard.press('a');
    await page.getByRole('combobox', { name: /^Add a node/ }).waitFor();
    await keyboard.type(what);
    await keyboard.press('Enter');
    await page.locator('.canvas:focus').waitFor();
  };
  const configure = async () => {
    await keyboard.press('Enter');
    await settings(page).locator(':focus').waitFor();
  };
  const close = async () => {
    await keyboard.press('Escape');
    if (await settings(page).isVisible()) await keyboard.press('Escape'); // the first one closed a list
    await page.locator('.canvas:focus').waitFor();
  };
  const chooseFile = async (file: string) => {
    await configure();
    await press(settings(page).getByRole('button', { name: 'Browse…' }));
    await press(page.getByRole('dialog').getByRole('button', { name: file }));
    await press(page.getByRole('button', { name: 'Use these fields' }));
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await settings(page).locator(':focus').waitFor();
    await close();
  };

  await press(newFlow(page));
  await page.waitForURL(/\/flows\/[0-9a-f-]{36}/);
  await page.locator('.canvas').waitFor();
  await add('File Input');
  await chooseFile('orders.csv');
  await add('Filter');
  await configure();
  await keyboard.type("status = 'paid'");
  await close();
  await add('Formula');
  await configure();
  await press(settings(page).getByRole('button', { name: 'Add a field' }));
  await keyboard.type('total');
  await keyboard.press('Tab');
  await keyboard.type('quantity * unit_price');
  await close();
  await add('Join');
  await keyboard.press('Escape'); // nothing is selected, so that the next node stands alone
  await add('File Input');
  await chooseFile('customers.csv');
  await keyboard.press('c');
  await keyboard.type('Join');
  await keyboard.press('Enter');
  await keyboard.press('ArrowRight');
  await configure();
  await press(settings(page).getByRole('button', { name: 'Add a pair' }));
  await choose(settings(page).getByRole('combobox', { name: 'Left: choose a field' }), 'customer_id');
  await choose(settings(page).getByRole('combobox', { name: 'Right: choose a field' }), 'id');
  await close();
  await add('Aggregate');
  await configure();
  await keyboard.type('region');
  await keyboard.press('Enter');
  const aggregate = async (name: string, fn: string, field?: string) => {
    await press(settings(page).getByRole('button', { name: 'Add an aggregate' }));
    await keyboard.type(name);
    await go(settings(page).getByRole('combobox', { name: 'Function' }).last());
    await keyboard.type(fn);
    if (!field) return;
    await choose(settings(page).getByRole('combobox', { name: 'Field', exact: true }).last(), field);
  };
  await aggregate('orders', 'count');
  await aggregate('revenue', 'sum', 'total');
  await close();
  await add('File Output');
  await configure();
  await keyboard.type('regions-2.csv');
  await close();
  await keyboard.press('1'); // the whole flow
  const steps = [['ArrowLeft', 'Aggregate'], ['ArrowLeft', 'Join'], ['ArrowLeft', 'Formula'], ['ArrowDown', 'File Input 2'], ['ArrowUp', 'Formula'], ['ArrowLeft', 'Filter'], ['ArrowLeft', 'File Input']] as const;
  for (const [key, title] of steps) {
    await keyboard.press(key);
    await card(page, title).and(page.locator('.focused')).waitFor();
    await seesPreview(page, nodes.find((n) => n.title === title)!.preview);
  }
  await keep(page, 'build-dark');
  await watch(page);
  await keyboard.press('Control+Enter');
  await page.getByText('7/7 nodes').waitFor({ timeout: 60_000 });
  await keep(page, 'built-dark');
  await sawCountsRise(page);
  await isRight('regions-2.csv');
  expect(wrong).toEqual([]);
  await context.close();
}, 120_000);
