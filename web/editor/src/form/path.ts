// Paths of settings as problems name them: `condition`, `fields[2].expression`, `options.delimiter`.

export type Step = string | number;

export function parsePath(path: string): Step[] {
  const steps: Step[] = [];
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    steps.push(index === undefined ? name! : Number(index));
  }
  return steps;
}

export function formatPath(steps: readonly Step[]): string {
  return steps.reduce<string>((path, step) => {
    if (typeof step === 'number') return `${path}[${step}]`;
    return path ? `${path}.${step}` : step;
  }, '');
}

export function joinPath(path: string, step: Step): string {
  return formatPath([...parsePath(path), step]);
}

/** within reports whether path is base or lies inside it. */
export function within(path: string, base: string): boolean {
  return path === base || (base !== '' && path.startsWith(base) && /^[.[]/.test(path.slice(base.length))) || base === '';
}

/** valueAt reads a place of a config; undefined where there is none. */
export function valueAt(config: unknown, path: string): unknown {
  return parsePath(path).reduce<unknown>((value, step) => {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, step)) return undefined;
    return (value as Record<Step, unknown>)[step];
  }, config);
}

/** put changes a place of a config in place; undefined removes a member. Objects and lists on the way are made. */
export function put(config: Record<string, unknown>, path: string, value: unknown): void {
  const steps = parsePath(path);
  const last = steps.pop();
  if (last === undefined || path.includes('__proto__')) return;
  let at: Record<Step, unknown> = config;
  steps.forEach((step, i) => {
    const inside = at[step];
    if (inside === null || typeof inside !== 'object' || !Object.hasOwn(at, step)) {
      at[step] = typeof (steps[i + 1] ?? last) === 'number' ? [] : {};
    }
    at = at[step] as Record<Step, unknown>;
  });
  if (value !== undefined) at[last] = value;
  else if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete at[last];
}
