// WebSockets of an app with the client `ws` of npm: what is sent comes back. The variables are those of sockets.py.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect as open } from "node:net";

const { URL: url, PORT, TOKEN, OTHER, PACKAGES } = process.env;
const WebSocket = createRequire(`${PACKAGES}/`)("ws");

const connect = (token) =>
    new WebSocket(url, {
        headers: token ? { Authorization: `Bearer ${token}` } : {},
        createConnection: () => open(Number(PORT), "127.0.0.1"),
    });

for (const [token, expected] of [[undefined, 401], ["rut_wrong", 401], [OTHER, 404]]) {
    const [request, response] = await once(connect(token), "unexpected-response");
    assert.equal(response.statusCode, expected);
    request.destroy();
}

const socket = connect(TOKEN);
await once(socket, "open");
for (const message of ["", "text ü", "x".repeat(70_000), Buffer.alloc(0), randomBytes(4 << 20)]) {
    const answer = once(socket, "message");
    socket.send(message);
    const [data, isBinary] = await answer;
    assert.equal(isBinary, typeof message !== "string");
    assert.ok(data.equals(Buffer.from(message)), `${message.length} sent, ${data.length} received`);
}
// In fragments.
let answer = once(socket, "message");
socket.send("one ", { fin: false });
socket.send("two", { fin: true });
assert.equal((await answer)[0].toString(), "one two");
answer = once(socket, "pong");
socket.ping("are you there");
assert.equal((await answer)[0].toString(), "are you there");
const closed = once(socket, "close");
socket.close(1000, "enough");
assert.equal((await closed)[0], 1000);
console.log("done");
