"""A WebRTC peer on a stack of its own (aiortc): sends a colour and a tone by WHIP (RFC 9725), or watches by WHEP and says what it gets.

usage: aiortc_peer.py send ADDRESS TOKEN CERTIFICATE Y,U,V HERTZ
       aiortc_peer.py watch ADDRESS TOKEN CERTIFICATE HERTZ,...

It prints a line of JSON for what happens, and ends with its standard input.
"""

import array
import asyncio
import fractions
import math
import sys
import threading

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from av import AudioFrame, VideoFrame

from whip import HEIGHT, RATE, STEP, WIDTH, WINDOW, amplitude, delete, post, say

class Colour(VideoStreamTrack):
    """One colour, and a bar in its upper third that moves with every frame."""

    def __init__(self, yuv):
        super().__init__()
        self.yuv = yuv
        self.number = 0

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, value in zip(frame.planes, self.yuv):
            plane.update(bytes([value]) * (plane.line_size * plane.height))
        stride = frame.planes[0].line_size
        luma = bytearray(bytes(frame.planes[0]))
        left = self.number % 16 * WIDTH // 16
        for row in range(HEIGHT // 3):
            luma[row * stride + left : row * stride + left + 24] = bytes([16]) * 24
        frame.planes[0].update(luma)
        self.number += 1
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    """A tone that comes and goes like speech."""

    def __init__(self, hertz):
        super().__init__()
        self.hertz = hertz
        self.at = 0
        self.began = None

    async def recv(self):
        loop = asyncio.get_running_loop()
        self.began = self.began or loop.time()
        await asyncio.sleep(self.began + self.at / RATE - loop.time())
        samples = array.array("h", (self.sample(self.at + index) for index in range(STEP)))
        frame = AudioFrame(format="s16", layout="mono", samples=STEP)
        frame.planes[0].update(samples.tobytes())
        frame.pts, frame.sample_rate, frame.time_base = self.at, RATE, fractions.Fraction(1, RATE)
        self.at += STEP
        return frame

    def sample(self, at):
        if at / RATE % 0.35 >= 0.2:
            return 0
        return round(16_000 * math.sin(2 * math.pi * self.hertz * at / RATE))


async def see(track):
    frames = 0
    while True:
        frame = (await track.recv()).reformat(format="yuv420p")
        frames += 1
        if frames % 10 == 0:
            row, column = frame.height * 3 // 4, frame.width // 2
            luma, blue, red = frame.planes
            at = lambda plane, y, x: bytes(plane)[y * plane.line_size + x]
            say(sees=[at(luma, row, column), at(blue, row // 2, column // 2), at(red, row // 2, column // 2)])


async def hear(track, tones):
    heard = array.array("h")
    while True:
        frame = await track.recv()
        channels = len(frame.layout.channels)
        samples = array.array("h", bytes(frame.planes[0])[: 2 * channels * frame.samples])
        heard.extend(samples[::channels])
        if len(heard) >= WINDOW:
            say(hears={str(hertz): amplitude(heard, hertz) for hertz in tones})
            heard = array.array("h")


async def main(kind, address, token, certificate, *media, beside=None):
    # With max-bundle, aiortc 1.14 forgets the candidates of an answer that names them once (RFC 8843, section 7.3).
    link = RTCPeerConnection()
    tasks = []

    @link.on("connectionstatechange")
    def changed():
        say(connection=link.connectionState)

    @link.on("track")
    def came(track):
        work = see(track) if track.kind == "video" else hear(track, [int(hertz) for hertz in media[0].split(",")])

        async def until_its_end():
            try:
                await work
            except MediaStreamError:
                say(ended=track.kind)

        tasks.append(asyncio.ensure_future(until_its_end()))

    if kind == "send":
        yuv = [int(value) for value in media[0].split(",")]
        for track in (Tone(int(media[1])), Colour(yuv)):
            link.addTransceiver(track, direction="sendonly")
    else:
        for medium in ("audio", "video"):
            link.addTransceiver(medium, direction="recvonly")
    await link.setLocalDescription(await link.createOffer())
    answer, session = await asyncio.to_thread(post, address, token, certificate, link.localDescription.sdp)
    await link.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    if beside is not None:
        tasks.append(asyncio.ensure_future(beside(link, answer)))

    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def wait_for_the_end():
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    await ended.wait()
    say(deleted=await asyncio.to_thread(delete, session, token, certificate))
    await link.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
