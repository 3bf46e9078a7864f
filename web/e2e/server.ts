import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, type Browser } from 'playwright-core';

/** Server is a `spark serve` of its own, on a free port and an empty data folder. */
export interface Server {
  base: string;
  login: string;
  key: string;
  stop(): Promise<void>;
}

/** serve starts the built program and waits for the address that it prints. */
export async function serve(): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), 'spark-e2e-'));
  const child: ChildProcess = spawn('bin/spark', ['serve', '--listen', '127.0.0.1:0', '--data', data], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr!.on('data', (text) => { said += text; });
  const address = await new Promise<RegExpMatchArray>((found, failed) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const match = /(http:\/\/[^/\s]+)\/login\?key=(\S+)/.exec(line);
      if (match) found(match);
    });
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`spark serve ended with ${code}: ${said}`)));
  });
  return {
    base: address[1]!,
    login: address[0],
    key: address[2]!,
    stop: async () => {
      child.removeAllListeners('exit');
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
      rmSync(data, { recursive: true, force: true });
    },
  };
}

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** launch starts a Chromium that talks to nobody else. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: flags });
}
