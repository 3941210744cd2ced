"""WebSockets of an app with the client `websockets` of PyPI: what is sent comes back.

URL: where the app has them. PORT: the server's port on loopback. TOKEN and OTHER: tokens of a user that may open the app,
and of one that may not.
"""

import asyncio
import os
import secrets

import websockets
from websockets.asyncio.client import connect

URL, PORT = os.environ["URL"], int(os.environ["PORT"])


def opened(token):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return connect(URL, host="127.0.0.1", port=PORT, additional_headers=headers, proxy=None, max_size=None)


async def refused(token, expected):
    try:
        async with opened(token):
            raise AssertionError("it opens")
    except websockets.exceptions.InvalidStatus as refusal:
        assert refusal.response.status_code == expected, refusal


async def echo(socket, message):
    await socket.send(message)
    received = await asyncio.wait_for(socket.recv(), 30)
    assert received == message, f"{len(message)} sent, {len(received)} received"


async def several(number):
    """Messages of one of many connections at the same time."""
    async with opened(os.environ["TOKEN"]) as socket:
        for turn in range(20):
            await echo(socket, f"{number} {turn}")


async def main():
    await refused(None, 401)
    await refused("rut_wrong", 401)
    await refused(os.environ["OTHER"], 404)
    async with opened(os.environ["TOKEN"]) as socket:
        for message in ("", "text ü", "x" * 70_000, b"", b"\0\xff", secrets.token_bytes(4 << 20)):
            await echo(socket, message)
        # In fragments.
        await socket.send(part for part in ("one ", "two ", "three"))
        assert await socket.recv() == "one two three"
        await asyncio.wait_for(await socket.ping(), 5)
        # Many at once, in order.
        for number in range(1000):
            await socket.send(str(number))
        assert [await socket.recv() for _ in range(1000)] == [str(number) for number in range(1000)]
        await socket.close(1000, "enough")
        assert socket.close_code == 1000, socket.close_code
    await asyncio.gather(*(several(number) for number in range(15)))


asyncio.run(main())
print("done", flush=True)
