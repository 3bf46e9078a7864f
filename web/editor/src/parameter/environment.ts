// The environment that somebody works in, kept in the browser.

import type { Environment } from '../api/types';

const key = 'spark.environment';

/** chosenEnvironment is the one that was chosen last, if it still exists, else the default one. */
export function chosenEnvironment(list: readonly Environment[], storage: Pick<Storage, 'getItem'> = localStorage): string {
  let last: string | null = null;
  try {
    last = storage.getItem(key);
  } catch {
    // nothing is kept in this browser
  }
  return list.find((e) => e.name === last)?.name ?? list.find((e) => e.default)?.name ?? '';
}

export function rememberEnvironment(name: string, storage: Pick<Storage, 'setItem'> = localStorage): void {
  try {
    storage.setItem(key, name);
  } catch {
    // it is chosen anew on the next page
  }
}
