# SPDX-License-Identifier: Apache-2.0
"""The other ends of 1,000 sessions: far.py ADDRESS FILE; each line of FILE is an address of ours and its AS number.

A BIRD cannot be that, for it holds one session to a neighbour, whatever its own address. Each end connects, offers a
hold time of 0 (so that nothing is ever said again), and connects anew a second or two after it was sent away."""

import asyncio
import random
import socket
import struct
import sys

MARKER = b'\xff' * 16


def message(kind, body=b''):
    return MARKER + struct.pack('>HB', 19 + len(body), kind) + body


async def end(address, number, neighbour):
    identifier = socket.inet_aton(address)
    while True:
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(neighbour, 179, local_addr=(address, 0)), 1)
            writer.write(message(1, struct.pack('>BHH4sB', 4, number, 0, identifier, 0)))
            head = await reader.readexactly(19)
            if head[18] == 1:
                writer.write(message(4))
            while await reader.read(65536):
                pass
            writer.close()
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(random.uniform(0.5, 2)) # BIRD's queue of connections is short


async def main(neighbour, path):
    with open(path, encoding='ascii') as file:
        ends = [line.split() for line in file]
    await asyncio.gather(*(end(address, int(number), neighbour) for address, number in ends))


if __name__ == '__main__':
    asyncio.run(main(*sys.argv[1:]))
