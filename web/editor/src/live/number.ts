// How counts, rates and durations are written.

const units = ['', ' k', ' M', ' G', ' T'] as const;

/** count writes a number of records: plain below 1,000, then k / M / G, one decimal below 10. */
export function count(value: number): string {
  if (!Number.isFinite(value)) return '—';
  let rest = Math.abs(value);
  let unit = 0;
  while (unit < units.length - 1 && rest >= (unit === 0 ? 1000 : 999.5)) {
    rest /= 1000;
    unit++;
  }
  const text = unit > 0 && rest < 9.95 ? rest.toFixed(1) : String(Math.round(rest));
  return (value < 0 ? '−' : '') + text + units[unit];
}

const whole = new Intl.NumberFormat('en');

/** exact writes all digits, for tooltips and screen readers. */
export function exact(value: number): string {
  return whole.format(value);
}

/** records writes a number with its noun. */
export function records(value: number): string {
  return `${exact(value)} ${value === 1 ? 'record' : 'records'}`;
}

export function duration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '—';
  if (ms < 1) return '< 1 ms';
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}

/** clock writes a running time as 00:42. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  return `${hours > 0 ? `${hours}:` : ''}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
