import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Server is a `spark serve` of its own, on a free port and an empty data folder. */
export interface Server {
  base: string;
  login: string;
  key: string;
  data: string; // its folder
  files: string; // the folder that flows read and write
  stop(): Promise<void>;
  /** kill ends it as a power failure would. */
  kill(): Promise<void>;
  /** again starts it on the same port and folder. */
  again(): Promise<void>;
}

/** serve starts the built program and waits for the address that it prints. flags are more of its own. */
export async function serve(...flags: string[]): Promise<Server> {
  const data = mkdtempSync(join(tmpdir(), 'spark-e2e-'));
  let { child, address } = await start(data, '127.0.0.1:0', flags);
  const end = async (signal: NodeJS.Signals) => {
    child.removeAllListeners('exit');
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  };
  return {
    base: address[1]!,
    login: address[0],
    key: address[2]!,
    data,
    files: join(data, 'files'),
    stop: async () => {
      await end('SIGTERM');
      rmSync(data, { recursive: true, force: true });
    },
    kill: () => end('SIGKILL'),
    again: async () => {
      ({ child } = await start(data, new URL(address[1]!).host, flags));
    },
  };
}

async function start(data: string, listen: string, flags: string[]): Promise<{ child: ChildProcess; address: RegExpMatchArray }> {
  const child = spawn('bin/spark', ['serve', '--listen', listen, '--data', data, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => { said += text; });
  const address = await new Promise<RegExpMatchArray>((found, failed) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const match = /(http:\/\/[^/\s]+)\/login\?key=(\S+)/.exec(line);
      if (match) found(match);
    });
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`spark serve ended with ${code}: ${said}`)));
  });
  return { child, address };
}
