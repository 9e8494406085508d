"""A peer that is let in, has all keys, and means harm: pictures that are none under numbers that jump, and storms of RTCP.

usage: as aiortc_peer.py

All is by a seed, in packets that are encrypted and authenticated as they should be.
"""

import asyncio
import random
import re
import struct
import sys

import aiortc_peer
from whip import say

CHANCE = random.Random(7)
# Between two bursts of RTCP, in seconds, and how many a burst has.
PACE, BURST = 0.005, 5


def words(count):
    return CHANCE.randbytes(4 * count)


def rtcp(count, kind, body, length=None):
    """RFC 3550, 6.4: the length in words, unless another is claimed."""
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4 if length is None else length) + body


def storm(sources):
    """One packet of feedback, sound or not, about the streams that come or others."""
    own, source = words(1), struct.pack("!L", CHANCE.choice(sources))
    about = own + CHANCE.choice([source, words(1)])
    kind = CHANCE.randrange(9)
    if kind == 0:
        return rtcp(1, 206, about)
    if kind == 1:
        return rtcp(4, 206, own + bytes(4) + source + words(1))
    # All of the last 400 packets, and any.
    if kind in (2, 3):
        return rtcp(1, 205, about + b"".join(struct.pack("!HH", CHANCE.randrange(65_536), 0xFFFF) for _ in range(24)))
    if kind == 4:
        return rtcp(15, 206, own + bytes(4) + b"REMB\x01" + CHANCE.randbytes(3) + source)
    if kind == 5:
        return rtcp(15, 205, about + words(CHANCE.randrange(2, 20)))
    if kind == 6:
        return rtcp(1, 201, own + source + words(5))
    if kind == 7:
        return rtcp(1, 200, own + words(5) + source + words(5))
    return rtcp(CHANCE.randrange(32), CHANCE.randrange(192, 208), words(CHANCE.randrange(1, 30)), CHANCE.randrange(65_536))


class Camera:
    """Makes of each packet of a camera one that is none."""

    def __init__(self, payload_type):
        self.payload_type = payload_type
        self.number = 5_000

    def spoiled(self, data):
        if data[1] & 0x7F != self.payload_type:
            return data
        head = 12 + 4 * (data[0] & 15)
        if data[0] & 0x10:
            head += 4 + 4 * int.from_bytes(data[head + 2 : head + 4], "big")
        return self.mangled(data[:head])

    def mangled(self, head):
        # Further on than half of all numbers the sender itself would count wrong.
        self.number = (self.number + CHANCE.choice([1, 1, 1, 2, 700, 30_000])) % 65_536
        marker = self.payload_type | CHANCE.choice([0, 0x80])
        body = CHANCE.randbytes(CHANCE.randrange(1, 1_100))
        if CHANCE.random() < 0.5:
            # A descriptor with all fields (RFC 7741, 4.2), and a key frame of whatever size (RFC 6386, 9.1).
            descriptor = b"\x90\xf0" + bytes([0x80 | CHANCE.randrange(128)]) + CHANCE.randbytes(3)
            body = descriptor + bytes([CHANCE.randrange(256) & 0xFE]) + CHANCE.randbytes(2) + b"\x9d\x01\x2a" + body
        return head[:1] + struct.pack("!BHL", marker, self.number, CHANCE.randrange(2**32)) + head[8:] + body


async def harm(link, answer):
    while link.connectionState != "connected":
        await asyncio.sleep(0.05)
    transport = link.getTransceivers()[1].sender.transport
    sources = [int(source) for source in re.findall(r"^a=ssrc:(\d+)", answer, re.MULTILINE)] or [1]
    camera = Camera(int(re.search(r"^a=rtpmap:(\d+) VP8/", answer, re.MULTILINE)[1]))
    send = transport._send_rtp

    async def send_harm(data):
        await send(camera.spoiled(data))

    transport._send_rtp = send_harm
    sent = 0
    while link.connectionState == "connected":
        for _ in range(BURST):
            await send(storm(sources))
        sent += BURST
        if sent % 1_000 == 0:
            say(harm=sent)
        await asyncio.sleep(PACE)


asyncio.run(aiortc_peer.main(*sys.argv[1:], beside=harm))
