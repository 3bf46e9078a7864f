import { defineConfig } from 'vitest/config';

// A busy machine saves and draws later than vitest's second.
export default defineConfig({ test: { include: ['web/e2e/*.e2e.ts'], maxWorkers: 2, expect: { poll: { timeout: 15_000 } } } });
