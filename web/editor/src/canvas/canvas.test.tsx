// @vitest-environment jsdom
import { act, cleanup, render } from '@testing-library/react';
import { Profiler } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Client } from '../api/client';
import type { NodeStatus, Run } from '../api/types';
import { LiveStore } from '../live/store';
import type { FlowDocument } from '../model/document';
import { Editor } from '../model/editor';
import { catalogue } from '../model/fixture';
import { ServicesContext, type Services } from '../shell/editor';
import { Session } from '../shell/session';
import { Canvas } from './Canvas';
import { View } from './view';

// What makes a flow of 1,000 nodes fast, as structure: `make bench` measures the milliseconds.

const rows = 50;
const columns = 20;
const size = { width: 1200, height: 800 };

/** wide is a document of 1,000 nodes in rows of 20. */
function wide(): FlowDocument {
  const id = (row: number, i: number) => `r${row}-${i}`;
  const cells = Array.from({ length: rows * columns }, (_, n) => [Math.floor(n / columns), n % columns] as const);
  return {
    format: 1, name: 'Wide',
    nodes: cells.map(([row, i]) => ({ id: id(row, i), type: 'formula', version: 1 })),
    edges: cells.filter(([, i]) => i > 0).map(([row, i]) => ({ from: { node: id(row, i - 1), port: 'out' }, to: { node: id(row, i), port: 'in' } })),
    layout: { nodes: Object.fromEntries(cells.map(([row, i]) => [id(row, i), { x: 304 * i, y: 128 * row }])) },
  };
}

const statuses = (doc: FlowDocument, n: number): NodeStatus[] => doc.nodes.map(({ id }) => ({ node: id, state: 'running', in: { in: n }, out: { out: n } }));
const run: Run = { id: 'r', flowName: 'f', trigger: 'manual', state: 'running', attempt: 1, createdAt: '', createdBy: '', read: 0, written: 0, rejected: 0 };

/** draw mounts the canvas, and answers how often React has rendered anything in it, and the most cards there ever were. */
async function draw() {
  const editor = new Editor(wide(), catalogue);
  const live = new LiveStore();
  const view = new View();
  const services: Services = { editor, client: {} as Client, live, session: new Session(editor, {} as Client, live, 'flow'), view };
  const cards = () => document.querySelectorAll('.node-card').length;
  let renders = 0;
  let peak = 0;
  const rendered = () => {
    renders++;
    peak = Math.max(peak, cards());
  };
  await act(async () => void render(<ServicesContext value={services}><Profiler id="canvas" onRender={rendered}><Canvas /></Profiler></ServicesContext>));
  await settle();
  return { editor, live, view, cards, renders: () => renders, peak: () => peak };
}

const settle = () => act(() => new Promise((done) => setTimeout(done, 50))); // React Flow measures and looks in frames of its own

beforeEach(() => {
  vi.stubGlobal('ResizeObserver', class {
    constructor(private readonly seen: (entries: unknown[]) => void) {}
    observe(target: Element) { this.seen([{ target }]); }
    unobserve() {}
    disconnect() {}
  });
  vi.stubGlobal('DOMMatrixReadOnly', class { m22 = 1; });
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  vi.spyOn(HTMLElement.prototype, 'offsetWidth', 'get').mockReturnValue(size.width);
  vi.spyOn(HTMLElement.prototype, 'offsetHeight', 'get').mockReturnValue(size.height);
  vi.spyOn(Element.prototype, 'getBoundingClientRect').mockReturnValue(new DOMRect(0, 0, size.width, size.height));
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('new counts of all of 1,000 nodes write texts and render nothing', async () => {
  const { editor, live, view, cards, renders } = await draw();
  await act(async () => view.zoomTo(1));
  await settle();
  await act(async () => live.snapshot({ ...run, nodes: statuses(editor.state.document, 1) }, []));
  await settle();
  const [before, written] = [renders(), live.writes];
  for (let n = 2; n <= 11; n++) {
    live.delta({ ...run, read: n }, statuses(editor.state.document, n), []);
    await settle();
  }
  expect(renders() - before).toBe(0);
  expect(document.querySelector('.card-count')!.textContent).toContain('11 rec');
  // Each mounted card has a count and a rate, each of its edges one: what is not seen is not written.
  expect(live.writes - written).toBeGreaterThanOrEqual(10 * cards());
  expect(live.writes - written).toBeLessThanOrEqual(10 * 5 * cards());
}, 60_000);

test('of 1,000 nodes those are mounted that are seen, and none where they are painted', async () => {
  const { view, cards, peak } = await draw();
  expect(cards()).toBe(0); // it begins with the whole flow in sight
  const mounted = async (zoom: number) => {
    await act(async () => view.zoomTo(zoom));
    await settle();
    return cards();
  };
  const fit = (zoom: number) => Math.ceil(size.width / zoom / 304 + 1) * Math.ceil(size.height / zoom / 128 + 1);
  for (const zoom of [2, 1, 0.5]) {
    const seen = await mounted(zoom);
    expect(seen, `zoom ${zoom}`).toBeGreaterThan(0);
    expect(seen, `zoom ${zoom}`).toBeLessThanOrEqual(fit(zoom));
  }
  expect(await mounted(0.2)).toBe(0);
  expect(document.querySelector('.overview')).not.toBeNull();
  expect(await mounted(1)).toBeGreaterThan(0);
  expect(peak()).toBeLessThanOrEqual(fit(0.5)); // not even on the way from one to the other
}, 60_000);
