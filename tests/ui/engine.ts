// A container engine that can be asked for images, but runs nothing: enough for apps that are installed and wait to be started.
// It answers as Docker Engine does (https://docs.docker.com/reference/api/engine/).

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Digest of every image. */
export const DIGEST = `sha256:${'5'.repeat(64)}`;

/** Answers by the end of the URL; versions of the API come before it. */
const ANSWERS: [RegExp, object][] = [
  [/\/version$/, { ApiVersion: '1.47', MinAPIVersion: '1.24', Version: '27.0.0' }],
  [/\/info$/, { NCPU: 2, InitCommit: { ID: 'de40ad0' } }],
  [/\/distribution\/.*\/json$/, { Descriptor: { mediaType: 'application/vnd.oci.image.index.v1+json', digest: DIGEST, size: 1 }, Platforms: [] }],
];

export class TestEngine {
  private constructor(
    private readonly folder: string,
    private readonly server: Server,
  ) {}

  static async start(): Promise<TestEngine> {
    const folder = await mkdtemp(join(tmpdir(), 'rutter-engine-'));
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://engine').pathname;
      const [, answer] = ANSWERS.find(([end]) => end.test(path)) ?? [];
      response.writeHead(answer ? 200 : 503, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(answer ?? { message: 'this engine runs nothing' }));
    });
    const engine = new TestEngine(folder, server);
    await new Promise<void>((resolve) => server.listen(engine.socket, resolve));
    return engine;
  }

  get socket(): string {
    return join(this.folder, 'engine.sock');
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
    await rm(this.folder, { recursive: true, force: true });
  }
}
