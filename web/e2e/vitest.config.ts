import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type Reporter, type TestSpecification } from 'vitest/node';

/** LongestFirst begins with what would otherwise still run when all others have ended. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const last = (f: TestSpecification) => Number(basename(f.moduleId) !== 'forms.e2e.ts');
    return (await super.sort(files)).sort((a, b) => last(a) - last(b));
  }
}

/** Seen says once more, at the end, what was on the pages that failed: where a log is cut, its end is kept. */
class Seen implements Reporter {
  private readonly pages: string[] = [];
  onUserConsoleLog({ type, content }: { type: string; content: string }): void {
    if (type === 'stderr') this.pages.push(content);
  }
  onTestRunEnd(): void {
    for (const page of this.pages) console.error(page);
  }
}

// A busy machine saves and draws later than vitest's second.
export default defineConfig({ test: { include: ['web/e2e/*.e2e.ts'], maxWorkers: 2, reporters: ['default', new Seen()], sequence: { sequencer: LongestFirst }, expect: { poll: { timeout: 15_000 } } } });
