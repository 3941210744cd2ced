// A server for one test: the real program with an empty data folder, on a free port, writing e-mails to a folder.
// RUTTER_BIN is the path of the program, RUTTER_TABLES__PROGRAM that of the table engine. If RUTTER_TEST_S3 names a bucket (scripts/garage.sh), objects are stored there.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const program = process.env.RUTTER_BIN ?? '';
const run = promisify(execFile);

/** True if objects are stored in a bucket, which browsers then access directly. */
export const onBucket = !!process.env.RUTTER_TEST_S3;

/** Environment variables. */
type Settings = Record<string, string>;

export class TestServer {
  private constructor(
    readonly url: string,
    readonly data: string,
    /** Environment of the server. */
    readonly settings: Settings,
    private child: ChildProcess,
  ) {}

  /** Starts a server; `host` is that of its URL. Settings may depend on the port. */
  static async start(settings: Settings | ((port: number) => Settings) = {}, host = '127.0.0.1'): Promise<TestServer> {
    if (!program) throw new Error('RUTTER_BIN must name the program; make test-ui does that');
    const data = await mkdtemp(join(tmpdir(), 'rutter-ui-'));
    const port = await freePort();
    const url = `http://${host}:${port}`;
    const environment: Settings = {
      PATH: process.env.PATH ?? '',
      HOME: data,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      NO_PROXY: '127.0.0.1,localhost',
      RUTTER_DATA: data,
      RUTTER_LISTEN: `127.0.0.1:${port}`,
      RUTTER_PUBLIC_URL: url,
      RUTTER_LOG: 'warn',
      RUTTER_ACCOUNTS__SIGN_UP: 'open',
      ...(process.env.RUTTER_TABLES__PROGRAM && { RUTTER_TABLES__PROGRAM: process.env.RUTTER_TABLES__PROGRAM }),
      RUTTER_TABLES__PROGRAM: process.env.RUTTER_TABLES__PROGRAM ?? '',
      ...bucket(data),
      ...(typeof settings === 'function' ? settings(port) : settings),
    };
    const child = spawn(program, ['serve'], { env: environment, stdio: ['ignore', 'inherit', 'inherit'] });
    const server = new TestServer(url, data, environment, child);
    await server.ready();
    if (onBucket) await server.cli('store', 'cors', 'default', '--origin', url);
    return server;
  }

  /** Waits until the server is ready. */
  private async ready(): Promise<void> {
    for (let tries = 0; tries < 300; tries += 1) {
      if (this.child.exitCode !== null) throw new Error(`the server exited with ${this.child.exitCode}`);
      const answer = await fetch(`${this.url}/readyz`).catch(() => null);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the server did not become ready');
  }

  /** Kills the server and restarts it with the same data. */
  async crash(): Promise<void> {
    await this.down();
    await this.up();
  }

  /** Kills the server. */
  async down(): Promise<void> {
    await end(this.child, 'SIGKILL');
  }

  /** Starts a killed server again, with the same data. */
  async up(): Promise<void> {
    this.child = spawn(program, ['serve'], { env: this.settings, stdio: ['ignore', 'inherit', 'inherit'] });
    await this.ready();
  }

  async close(): Promise<void> {
    await end(this.child, 'SIGTERM');
    await rm(this.data, { recursive: true, force: true });
  }

  /** Runs a CLI command and returns its output. */
  async cli(...args: string[]): Promise<string> {
    const { stdout } = await run(program, args, { env: this.settings });
    return stdout.trim();
  }

  /** Creates a user with a personal token, and with a password to sign in. */
  async createUser(name: string, password?: string): Promise<{ name: string; email: string; token: string }> {
    const email = `${name}@example.org`;
    if (password === undefined) await this.cli('user', 'add', name, '--email', email);
    else await this.addWithPassword(name, password);
    return { name, email, token: await this.cli('token', 'add', name, '--name', 'story') };
  }

  /** Creates an administrator with a password. */
  async createAdministrator(name: string, password: string): Promise<void> {
    await this.addWithPassword(name, password, '--admin');
  }

  private async addWithPassword(name: string, password: string, ...options: string[]): Promise<void> {
    const args = ['user', 'add', name, '--email', `${name}@example.org`, ...options, '--password-stdin'];
    const adding = run(program, args, { env: this.settings });
    adding.child.stdin?.end(`${password}\n`);
    await adding;
  }

  /** Waits for an e-mail to an address and returns its link to a page; the newest e-mail first. */
  async emailLink(to: string, page: string): Promise<string> {
    for (let tries = 0; tries < 200; tries += 1) {
      const folder = join(this.data, 'mail');
      const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.eml')).sort().reverse();
      for (const name of names) {
        const message = plain(await readFile(join(folder, name), 'utf8'));
        if (!new RegExp(`^To:.*${to.replace('.', '\\.')}`, 'im').test(message)) continue;
        const found = message.match(new RegExp(`${this.url}/${page}#\\S+`));
        if (found) return found[0];
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`no e-mail to ${to} has a link to /${page}`);
  }

  /** Sends an API request. */
  async api(method: string, path: string, token?: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    return fetch(this.url + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  }
}

/** Decodes quoted-printable (RFC 2045 §6.7), which breaks long lines. */
function plain(message: string): string {
  if (!/^Content-Transfer-Encoding: quoted-printable/im.test(message)) return message;
  return message.replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** Converts `http://KEY:SECRET@127.0.0.1:PORT/BUCKET?region=REGION` to settings; each server uses its own prefix. */
function bucket(data: string): Record<string, string> {
  if (!process.env.RUTTER_TEST_S3) return {};
  const url = new URL(process.env.RUTTER_TEST_S3);
  return {
    RUTTER_STORE_URL: `s3:/${url.pathname}/${data.split('-').pop()}`,
    AWS_ENDPOINT_URL: url.origin,
    AWS_REGION: url.searchParams.get('region') ?? '',
    AWS_ACCESS_KEY_ID: url.username,
    AWS_SECRET_ACCESS_KEY: url.password,
  };
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill(signal);
  await ended;
}
