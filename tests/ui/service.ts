// A server beside rutter, as an app of kind `service`: its page shows who the user is and which URL was opened, and sends
// messages over a WebSocket, which come back.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Echo</title>
<h1>Echo</h1>
<p>Hello, <span id="user"></span></p>
<p>Opened: <code id="opened"></code></p>
<p role="status" id="socket">connecting</p>
<ul id="messages"></ul>
<script>
  const show = (id, text) => (document.getElementById(id).textContent = text);
  show('user', '{user}');
  const query = new URLSearchParams(location.search);
  show('opened', query.get('dataset') + ': ' + query.get('path'));
  // Relative: it works below a path, too.
  const socket = new WebSocket(new URL('socket', location.href).href.replace(/^http/, 'ws'));
  socket.onopen = () => { show('socket', 'open'); socket.send('one'); };
  socket.onmessage = ({ data }) => {
    const item = document.createElement('li');
    item.textContent = 'echo of ' + data;
    document.getElementById('messages').append(item);
  };
  socket.onclose = () => show('socket', 'closed');
</script>
</html>`;

export class TestService {
  private readonly sockets = new Set<Duplex>();
  /** Headers of all requests. */
  readonly headers: IncomingMessage['headers'][] = [];

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      this.headers.push(request.headers);
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end(PAGE.replace('{user}', String(request.headers['x-rutter-user'] ?? 'guest')));
    });
    server.on('upgrade', (request, socket) => {
      this.headers.push(request.headers);
      echo(request, socket);
    });
  }

  static async start(): Promise<TestService> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TestService(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((closed) => this.server.close(closed));
  }
}

/** Accepts a WebSocket (RFC 6455) and returns each short text that arrives. */
function echo(request: IncomingMessage, socket: Duplex): void {
  const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  let waiting = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data: Buffer) => {
    waiting = Buffer.concat([waiting, data]);
    // Opcode, length (less than 126) with the mask bit, mask, text.
    for (;;) {
      const length = (waiting[1] ?? 0) & 0x7f;
      if (waiting.length < 6 + length) return;
      const [opcode, mask, text] = [(waiting[0] ?? 0) & 0xf, waiting.subarray(2, 6), Buffer.from(waiting.subarray(6, 6 + length))];
      waiting = waiting.subarray(6 + length);
      if (opcode === 8) return void socket.end();
      for (let at = 0; at < length; at += 1) text[at] = (text[at] ?? 0) ^ (mask[at % 4] ?? 0);
      if (opcode === 1) socket.write(Buffer.concat([Buffer.from([0x81, length]), text]));
    }
  });
}
