import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['web/e2e/*.e2e.ts'], fileParallelism: false } });
