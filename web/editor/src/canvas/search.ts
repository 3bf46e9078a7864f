// The palette's search: title first, then the names that people know from elsewhere, then the description.

import type { NodeType } from '../api/types';

export interface Found {
  type: NodeType;
  match: string; // the synonym that was found, empty where the title was
  score: number;
}

/** searchTypes ranks node types; every word of the query must be found. */
export function searchTypes(types: readonly NodeType[], query: string): Found[] {
  const words = fold(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return types.map((type) => ({ type, match: '', score: 0 }));
  const found: Found[] = [];
  for (const type of types) {
    const hit = scoreType(type, fold(query).trim(), words);
    if (hit) found.push({ type, ...hit });
  }
  return found.sort((a, b) => b.score - a.score || a.type.title.localeCompare(b.type.title));
}

function scoreType(type: NodeType, query: string, words: readonly string[]): { match: string; score: number } | null {
  let best = { match: '', score: Math.max(scoreText(type.title, query), sum(words, (word) => scoreText(type.title, word))) };
  for (const synonym of type.synonyms ?? []) {
    const score = 0.9 * scoreText(synonym, query);
    if (score > best.score) best = { match: synonym, score };
  }
  if (best.score > 0) return best;
  const summary = fold(type.summary);
  const everywhere = sum(words, (word) => {
    const synonym = Math.max(0, ...(type.synonyms ?? []).map((s) => scoreText(s, word)));
    return Math.max(scoreText(type.title, word), 0.9 * synonym, summary.includes(word) ? 10 : 0);
  });
  return everywhere > 0 ? { match: '', score: Math.min(everywhere, 40) } : null;
}

/** sum answers 0 unless every word scores. */
function sum(words: readonly string[], score: (word: string) => number): number {
  let total = 0;
  for (const word of words) {
    const s = score(word);
    if (s === 0) return 0;
    total += s;
  }
  return total / words.length;
}

function scoreText(text: string, query: string): number {
  const t = fold(text);
  if (t === query) return 100;
  if (t.startsWith(query)) return 90 - Math.min(9, t.length - query.length);
  if (t.split(/[^\p{L}\p{N}]+/u).some((word) => word.startsWith(query))) return 75;
  if (query.length > 1 && t.includes(query)) return 60;
  return query.length > 2 && initialsOrLetters(t, query) ? 25 : 0;
}

/** initialsOrLetters finds the query's letters in their order, beginning at a word. */
function initialsOrLetters(text: string, query: string): boolean {
  if (text[0] !== query[0]) return false;
  let at = 0;
  let gaps = 0;
  for (const letter of query) {
    const next = text.indexOf(letter, at);
    if (next < 0) return false;
    gaps += next - at;
    at = next + 1;
  }
  return gaps <= query.length + 2;
}

function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
