"""Asks a QUIC server of ours with another implementation (aioquic): handshake, streams, close.

Usage: quic-client.py HOST PORT ALPN. The server answers each request with its bytes turned by one.
Prints "ok" and ends with status 0 if every answer is right.
"""

import asyncio
import ssl
import sys

from aioquic.asyncio import connect
from aioquic.quic.configuration import QuicConfiguration


async def ask(client, request):
    reader, writer = await client.create_stream()
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    assert answer == bytes((byte + 1) % 256 for byte in request), len(answer)


async def main(host, port, protocol):
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=[protocol], verify_mode=ssl.CERT_NONE
    )
    async with connect(host, port, configuration=configuration) as client:
        await client.ping()
        await ask(client, b"\x00\x01\xff")
        await ask(client, bytes(range(256)) * 2000)
        # More than the streams that are permitted at a time.
        for _ in range(6):
            await asyncio.gather(*(ask(client, bytes([n % 256]) * n) for n in range(1, 100)))
        client.request_key_update()
        await ask(client, b"after a key update")
        client.close(error_code=0x0A, reason_phrase="done")
    print("ok")


asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
