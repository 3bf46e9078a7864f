// Prints what the editor weighs, gzipped as it is served, and fails beyond its budget.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const dist = new URL('../../static/dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
const budget = { initial: 230 * 1024, all: 450 * 1024 };
const sizes = new Map();

function size(file) {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(new URL(file, dist)), { level: 6 }).length);
  return sizes.get(file);
}

/** reach collects the scripts of an entry, and those that it loads later if wanted. */
function reach(name, later, seen = new Set()) {
  const chunk = manifest[name];
  if (!chunk || seen.has(name)) return seen;
  seen.add(name);
  for (const next of [...(chunk.imports ?? []), ...(later ? (chunk.dynamicImports ?? []) : [])]) reach(next, later, seen);
  return seen;
}

const scripts = (names) => [...new Set([...names].map((name) => manifest[name].file))].filter((file) => file.endsWith('.js'));
const total = (files) => files.reduce((sum, file) => sum + size(file), 0);
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;

const entry = 'web/editor/src/main.tsx';
const initial = total(scripts(reach(entry, false)));
const everything = scripts(reach(entry, true));
const all = total(everything);
for (const file of everything.sort((a, b) => size(b) - size(a))) console.log(kb(size(file)).padStart(9), file);
console.log(`initial ${kb(initial)} of ${kb(budget.initial)} · all ${kb(all)} of ${kb(budget.all)}`);
if (initial > budget.initial || all > budget.all) {
  console.error('The editor is larger than its budget.');
  process.exit(1);
}
