import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** LongestFirst begins with what would otherwise still run when all others have ended. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const last = (f: TestSpecification) => Number(basename(f.moduleId) !== 'forms.e2e.ts');
    return (await super.sort(files)).sort((a, b) => last(a) - last(b));
  }
}

// A busy machine saves and draws later than vitest's second.
export default defineConfig({ test: { include: ['web/e2e/*.e2e.ts'], maxWorkers: 2, sequence: { sequencer: LongestFirst }, expect: { poll: { timeout: 15_000 } } } });
