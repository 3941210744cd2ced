"""An app without any work of its own: reads what is uploaded, and returns the frames of a WebSocket (RFC 6455).
`app_upstream.py PORT`"""

import asyncio
import base64
import hashlib
import re
import resource
import sys

ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# All connections have one buffer: what was read is handled before the next one is read from.
BUFFER = memoryview(bytearray(1 << 20))


class Connection(asyncio.BufferedProtocol):
    def connection_made(self, transport):
        self.transport, self.waiting, self.left, self.is_socket = transport, b"", 0, False

    def get_buffer(self, _):
        return BUFFER

    def buffer_updated(self, count):
        if self.left > 0:
            read = min(self.left, count)
            self.left -= read
            if self.left == 0:
                self.answer()
            if read == count:
                return
            self.waiting += bytes(BUFFER[read:count])
        else:
            self.waiting += bytes(BUFFER[:count])
        self.echo() if self.is_socket else self.begin()

    def begin(self):
        head, end, rest = self.waiting.partition(b"\r\n\r\n")
        if not end:
            return
        self.waiting = rest
        fields = {key.lower(): value for key, value in re.findall(rb"([^\r\n:]+): *([^\r\n]*)", head)}
        if key := fields.get(b"sec-websocket-key"):
            accept = base64.b64encode(hashlib.sha1(key + ACCEPT).digest())
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            self.is_socket = True
            return self.echo()
        if fields.get(b"expect", b"").lower() == b"100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.left = max(int(fields.get(b"content-length", 0)) - len(rest), 0)
        self.waiting = b""
        if self.left == 0:
            self.answer()

    def answer(self):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nread\n")

    def echo(self):
        # Opcode, length (less than 126) with the mask bit, mask, payload. Frames to clients have no mask.
        while len(self.waiting) >= 2 and len(self.waiting) >= 6 + (length := self.waiting[1] & 0x7F):
            mask, payload = self.waiting[2:6], self.waiting[6:6 + length]
            plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
            self.transport.write(bytes([self.waiting[0], length]) + plain)
            self.waiting = self.waiting[6 + length:]


async def serve(port):
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(int(sys.argv[1])))
