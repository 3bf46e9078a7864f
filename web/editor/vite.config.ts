import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));

// The Go side looks these names up in the manifest.
const entries = ['web/editor/src/main.tsx', 'web/editor/src/run.tsx', 'web/editor/src/connections.tsx', 'web/editor/src/rejects.tsx', 'web/page/page.ts', 'web/style/page.css'];

// Git keeps the folder, so that Go can embed it before anything was built.
const keep = { name: 'keep', closeBundle: () => writeFileSync(root + '/static/dist/.gitkeep', '') };

export default defineConfig({
  root,
  base: '/static/',
  publicDir: false,
  plugins: [react(), keep],
  build: {
    outDir: 'static/dist',
    emptyOutDir: true,
    manifest: true,
    assetsInlineLimit: 0, // the content security policy knows no inline code
    modulePreload: { polyfill: false },
    rollupOptions: { input: entries.filter((entry) => existsSync(root + '/' + entry)) },
  },
  test: {
    root,
    include: ['web/**/*.test.{ts,tsx}'],
    environment: 'node', // a test that needs a DOM says so: // @vitest-environment jsdom
    testTimeout: 30_000, // a busy machine is no failure
  },
});
