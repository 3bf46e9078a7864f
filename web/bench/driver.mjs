// A browser for cmd/bench: one command as a line of JSON on standard input, one answer as a line on standard output,
// { error } for a command that failed. What the numbers mean is decided there; this only looks. Ends with its input.

import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { runnerImport } from 'vite';

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
page.setDefaultTimeout(60_000);
const wrong = [];
page.on('pageerror', (error) => wrong.push(String(error)));
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const commands = {
  /** open goes to an address and waits for something on the page. */
  async open({ address, until }) {
    await page.goto(address);
    if (until) await page.locator(until).first().waitFor();
  },

  async press({ key }) {
    await page.keyboard.press(key);
  },

  async wait({ text }) {
    await page.getByText(text).first().waitFor();
  },

  /** zoom sets the magnification about the middle of the canvas, as Ctrl and the wheel do, and answers what it became. */
  async zoom({ to }) {
    const { zoom } = await look();
    await wheelZoom(Math.log2(zoom / to) / 0.002);
    await pause(500);
    return look();
  },

  /** frames records the times between animation frames while the canvas is moved: 'none', 'pan' or 'zoom'. */
  async frames({ move, seconds }) {
    await page.evaluate(recordFrames);
    const end = Date.now() + 1000 * seconds;
    await moves[move](end);
    return { ...(await page.evaluate(() => window.benchFrames())), ...(await look()) };
  },

  /** observe begins to note when the count of which card shows what. */
  async observe() {
    await page.evaluate(observeCounts);
  },

  /** shown answers what observe has noted, and forgets it. */
  async shown() {
    return { shown: await page.evaluate(() => window.benchShown.splice(0)) };
  },

  /** texts answers what cards write for the given statuses of nodes, by the editor's own code. */
  async texts({ statuses }) {
    const { module: number } = await runnerImport('web/editor/src/live/number.ts');
    const { module: store } = await runnerImport('web/editor/src/live/store.ts');
    return { texts: statuses.map((status) => (store.passed(status) === undefined ? '' : `${number.count(store.passed(status))} rec`)) };
  },
};

/** look answers how the canvas is seen: magnification, cards in the page. */
function look() {
  return page.evaluate(() => {
    const view = document.querySelector('.react-flow__viewport');
    return { zoom: new DOMMatrix(getComputedStyle(view).transform).a, cards: document.querySelectorAll('.node-card').length };
  });
}

async function middle() {
  const box = await page.locator('.canvas').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
}

async function wheelZoom(delta) {
  await middle();
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, delta);
  await page.keyboard.up('Control');
}

// A hand at a trackpad: about a hundred small wheel events a second.
const moves = {
  none: (end) => pause(end - Date.now()),

  /** pan goes around a square, a screen's width in a second. */
  async pan(end) {
    await middle();
    const ways = [[12, 0], [0, 8], [-12, 0], [0, -8]];
    for (let n = 0; Date.now() < end; n++) {
      await page.mouse.wheel(...ways[Math.floor(n / 80) % 4]);
      await pause(8);
    }
  },

  /** zoom goes out until all is seen and in until cards are large, again and again, two seconds each way. */
  async zoom(end) {
    await middle();
    await page.keyboard.down('Control');
    for (let out = true; Date.now() < end; out = !out) {
      const to = out ? 0.06 : 1.5;
      for (let { zoom } = await look(); Date.now() < end && (out ? zoom > to : zoom < to); zoom *= out ? 2 ** -0.04 : 2 ** 0.04) {
        await page.mouse.wheel(0, out ? 20 : -20);
        await pause(8);
      }
    }
    await page.keyboard.up('Control');
  },
};

// These run in the page.

/** recordFrames also counts the texts of one card: the canvas has to be alive while it is measured. */
function recordFrames() {
  const times = [];
  let changes = 0;
  let last;
  let going = true;
  const frame = (at) => {
    times.push(at);
    const text = document.querySelector('.card-count')?.textContent;
    if (text !== last) changes++;
    last = text;
    if (going) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.benchFrames = () => {
    going = false;
    return { frames: times.slice(1).map((at, i) => at - times[i]), changes };
  };
}

/** observeCounts notes the beginning of the frame after the one that wrote a text: by then it has been drawn. */
function observeCounts() {
  window.benchShown = [];
  new MutationObserver((records) => {
    const written = [];
    for (const { target } of records) {
      const card = target.parentElement?.matches('.card-count > span:first-child') && target.parentElement.closest('.node-card');
      if (card) written.push({ node: card.id.replace(/^card-/, ''), text: target.data });
    }
    if (written.length === 0) return;
    requestAnimationFrame(() => {
      const at = performance.timeOrigin + performance.now();
      for (const text of written) window.benchShown.push({ ...text, at });
    });
  }).observe(document.querySelector('.canvas'), { subtree: true, characterData: true });
}

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...arguments_ } = JSON.parse(line);
  let answer;
  try {
    answer = (await commands[name](arguments_)) ?? {};
    if (wrong.length > 0) throw new Error(`the page failed: ${wrong.splice(0).join('; ')}`);
  } catch (error) {
    answer = { error: `${name}: ${error instanceof Error ? error.message : error}` };
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
await browser.close();
