// The node types that were used last, remembered in this browser.

const key = 'spark.recent';
const most = 5;

export function recent(): string[] {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(value) ? value.filter((id): id is string => typeof id === 'string').slice(0, most) : [];
  } catch {
    return []; // storage may be off
  }
}

export function remember(id: string): void {
  try {
    localStorage.setItem(key, JSON.stringify([id, ...recent().filter((other) => other !== id)].slice(0, most)));
  } catch {
    // storage may be off
  }
}
