import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Postgres is a PostgreSQL server of its own, on a free port and an empty folder. */
export interface Postgres {
  port: number;
  password: string;
  /** sql runs statements and answers the rows, values parted by "|". */
  sql(text: string, database?: string): string;
  stop(): Promise<void>;
}

/** missing says why there can be no server; null where there can. */
export function missing(): string | null {
  return programs() === null ? 'PostgreSQL is not installed' : null;
}

function programs(): string | null {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return null;
  const version = readdirSync(root).filter((v) => existsSync(join(root, v, 'bin', 'initdb'))).sort((a, b) => Number(b) - Number(a))[0];
  return version === undefined ? null : join(root, version, 'bin');
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000); // below those that outgoing connections take
    const free = await new Promise<boolean>((done) => {
      const probe = createServer().once('error', () => done(false)).listen(port, '127.0.0.1', () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
}

/** postgres starts a server; as root it runs as the user postgres, because PostgreSQL refuses root. */
export async function postgres(): Promise<Postgres> {
  const bin = programs();
  if (bin === null) throw new Error('PostgreSQL is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'spark-e2e-pg-'));
  const root = process.getuid?.() === 0;
  const as = (program: string, args: string[]) => (root ? { program: 'runuser', args: ['-u', 'postgres', '--', join(bin, program), ...args] } : { program: join(bin, program), args });
  if (root) execFileSync('chown', ['postgres', folder]);
  chmodSync(folder, 0o700);
  const data = join(folder, 'data');
  const init = as('initdb', ['-D', data, '-U', 'spark', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C']);
  execFileSync(init.program, init.args, { stdio: 'ignore', cwd: '/' });
  const port = await freePort();
  const start = as('postgres', ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off']);
  const child = spawn(start.program, start.args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
  await new Promise<void>((ready, failed) => {
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
      if (said.includes('database system is ready')) ready();
    });
    child.once('exit', (code) => failed(new Error(`postgres ended with ${code}: ${said}`)));
  });
  const sql = (text: string, database = 'postgres') => execFileSync(join(bin, 'psql'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'spark', '-d', database, '-v', 'ON_ERROR_STOP=1', '-qAtc', text], { encoding: 'utf8', env: { ...process.env, PGCONNECT_TIMEOUT: '10' } }).trim();
  const password = 'canary-7c1e';
  sql(`ALTER USER spark PASSWORD '${password}'`);
  return {
    port, password, sql,
    stop: async () => {
      child.removeAllListeners('exit');
      const ended = new Promise((done) => child.once('exit', done));
      const stop = as('pg_ctl', ['stop', '-D', data, '-m', 'immediate']);
      execFileSync(stop.program, stop.args, { stdio: 'ignore', cwd: '/' });
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
