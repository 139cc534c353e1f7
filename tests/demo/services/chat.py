"""A WebSocket echo: `chat.py PORT`. Who asks it who he is hears the address that he has come from."""
import asyncio
import sys

import websockets
from named import take_name


async def echo(socket):
    async for message in socket:
        await socket.send(socket.remote_address[0] if message == "who am I?" else message)


async def main():
    async with websockets.serve(echo, None, int(sys.argv[1]), backlog=1024, ping_interval=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    take_name("chat")
    asyncio.run(main())
