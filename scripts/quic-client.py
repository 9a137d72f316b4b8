"""Asks servers of ours with another implementation of QUIC (aioquic).

Usage: quic-client.py echo HOST PORT ALPN
         The server answers each request with its bytes turned by one: handshake, streams, close.
       quic-client.py mesh HOST PORT GENESIS
         A validator of MESH, called as an anonymous wallet: handshake, PING, QUERY_NETWORK, and the
         code with which it ends what no client says. GENESIS is the network's file.

Prints "ok" and ends with status 0 if every answer is right.
"""

import asyncio
import hashlib
import ssl
import struct
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated


def configuration(protocol):
    return QuicConfiguration(
        is_client=True, alpn_protocols=[protocol], verify_mode=ssl.CERT_NONE
    )


# Echo


async def ask(client, request):
    reader, writer = await client.create_stream()
    writer.write(request)
    writer.write_eof()
    answer = await reader.read()
    assert answer == bytes((byte + 1) % 256 for byte in request), len(answer)


async def echo(host, port, protocol):
    async with connect(host, port, configuration=configuration(protocol)) as client:
        await client.ping()
        await ask(client, b"\x00\x01\xff")
        await ask(client, bytes(range(256)) * 2000)
        # More than the streams that are permitted at a time.
        for _ in range(6):
            await asyncio.gather(*(ask(client, bytes([n % 256]) * n) for n in range(1, 100)))
        client.request_key_update()
        await ask(client, b"after a key update")
        client.close(error_code=0x0A, reason_phrase="done")


# MESH, SPEC-009. Written from the protocol's text alone: what it shares with our code is that text.

HANDSHAKE, PING, PONG = 0x01, 0x02, 0x03
QUERY_NETWORK, NETWORK_INFO = 0x36, 0x37
UNKNOWN_TYPE = 0x03


def frame(kind, payload):
    return struct.pack("<IB", 1 + len(payload), kind) + payload


def tagged(tag, data):
    return hashlib.sha3_256(bytes([len(tag)]) + tag + data).digest()


def anonymous(network):
    fields = struct.pack("<HBB", 1, 0, 0xFF) + network + struct.pack("<QH", 0, 0xFFFF)
    agent = b"quic-client.py"
    return fields + bytes(32) + struct.pack("<IQB", 0, 0, len(agent)) + agent


async def read_frame(reader):
    length, kind = struct.unpack("<IB", await reader.readexactly(5))
    return kind, await reader.readexactly(length - 1)


class Client(QuicConnectionProtocol):
    """Keeps the code with which the other end closes."""

    close_code = None

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.close_code = event.error_code
        super().quic_event_received(event)


async def mesh(host, port, path):
    with open(path, "rb") as file:
        genesis = file.read()
    network = tagged(b"MESH/v1/genesis", genesis)
    async with connect(
        host, port, configuration=configuration("mesh/1"), create_protocol=Client
    ) as client:
        # The client's first stream is the control stream.
        reader, writer = await client.create_stream()
        writer.write(frame(HANDSHAKE, anonymous(network)))
        kind, payload = await read_frame(reader)
        assert kind == HANDSHAKE, kind
        protocol, role, suite = struct.unpack_from("<HBB", payload)
        assert (protocol, role, suite) == (1, 1, 0), (protocol, role, suite)
        assert payload[4:36] == network
        index = struct.unpack_from("<H", payload, 44)[0]
        key = payload[46:78]
        # name, created, fees, one asset with its symbol, then the validators: version, epoch, count.
        symbol = 2 + 1 + genesis[2] + 8 + 16 + 1 + 4 + 1
        keys = symbol + 1 + genesis[symbol] + 8 + 2 + 8 + 2 + 1
        assert genesis[keys + 33 * index :].startswith(key), index

        writer.write(frame(PING, struct.pack("<QQ", 7, 8)))
        kind, payload = await read_frame(reader)
        assert kind == PONG, kind
        assert struct.unpack_from("<QQ", payload) == (7, 8)

        asking, request = await client.create_stream()
        request.write(frame(QUERY_NETWORK, b""))
        request.write_eof()
        kind, payload = await read_frame(asking)
        assert kind == NETWORK_INFO, kind
        assert payload[20:] == genesis
        assert await asking.read() == b""

        # Nobody says this: the connection ends with the protocol's code.
        writer.write(frame(0x7F, b""))
        await client.wait_closed()
        assert client.close_code == UNKNOWN_TYPE, client.close_code


COMMANDS = {"echo": echo, "mesh": mesh}

if __name__ == "__main__":
    asyncio.run(COMMANDS[sys.argv[1]](sys.argv[2], int(sys.argv[3]), sys.argv[4]))
    print("ok")
