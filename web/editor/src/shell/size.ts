// Sizes of the docked panels, remembered in this browser.

import { useState } from 'react';

export function useSize(name: string, initial: number, min: number, max: number): [number, (size: number) => void] {
  const clamp = (size: number) => Math.round(Math.min(max, Math.max(min, size)));
  const [size, set] = useState(() => {
    const kept = Number(read(name));
    return kept > 0 ? clamp(kept) : initial;
  });
  return [size, (next) => {
    set(clamp(next));
    write(name, String(clamp(next)));
  }];
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(`spark.size.${name}`);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`spark.size.${name}`, value);
  } catch {
    // storage may be off
  }
}
