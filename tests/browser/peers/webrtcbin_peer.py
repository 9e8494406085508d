"""A WebRTC peer on GStreamer's stack (webrtcbin, with libnice's ICE): sends a colour and a tone by WHIP, or watches by WHEP and says what it gets.

usage: webrtcbin_peer.py send ADDRESS TOKEN CERTIFICATE Y,U,V HERTZ
       webrtcbin_peer.py watch ADDRESS TOKEN CERTIFICATE HERTZ,...

It prints a line of JSON for what happens, and ends with its standard input.
"""

import array
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstApp, GstSdp, GstWebRTC  # noqa: E402, F401

from whip import HEIGHT, WIDTH, WINDOW, amplitude, delete, post, say

OPUS = "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111"
VP8 = "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96"
READING = {
    "audio": "rtpopusdepay ! opusdec ! audioconvert ! appsink name=sink sync=false caps=audio/x-raw,format=S16LE,channels=1",
    "video": "rtpvp8depay ! vp8dec ! videoconvert ! appsink name=sink sync=false caps=video/x-raw,format=AYUV",
}
Direction = GstWebRTC.WebRTCRTPTransceiverDirection


def add_sender(link, yuv, hertz):
    y, u, v = (int(value) for value in yuv.split(","))
    # BT.601, in the range of television.
    light = 1.164 * (y - 16)
    rgb = (light + 1.596 * (v - 128), light - 0.813 * (v - 128) - 0.391 * (u - 128), light + 2.018 * (u - 128))
    colour = "0xff" + "".join(f"{min(max(round(part), 0), 255):02x}" for part in rgb)
    sounding = f"audiotestsrc is-live=true freq={hertz} ! opusenc ! rtpopuspay pt=111 ! capsfilter caps=\"{OPUS}\""
    showing = (
        f"videotestsrc is-live=true pattern=solid-color foreground-color={colour} ! video/x-raw,width={WIDTH},height={HEIGHT},framerate=15/1"
        f" ! videoconvert ! vp8enc deadline=1 keyframe-max-dist=30 ! rtpvp8pay pt=96 picture-id-mode=15-bit ! capsfilter caps=\"{VP8}\""
    )
    for number, description in enumerate([sounding, showing]):
        source = Gst.parse_bin_from_description(description, True)
        link.parent.add(source)
        pad = link.request_pad_simple(f"sink_{number}")
        source.get_static_pad("src").link(pad)
        pad.get_property("transceiver").set_property("direction", Direction.SENDONLY)


def add_player(link, tones):
    for caps in [OPUS, VP8]:
        link.emit("add-transceiver", Direction.RECVONLY, Gst.Caps.from_string(caps))
    link.connect("pad-added", lambda link, pad: read(link.parent, pad, [int(hertz) for hertz in tones.split(",")]))


def read(pipeline, pad, tones):
    """Says what comes out of a pad of the link."""
    kind = pad.get_current_caps().get_structure(0).get_string("media")
    reader = Gst.parse_bin_from_description(READING[kind], True)
    heard = array.array("h")

    def on_sample(sink):
        sample = sink.pull_sample()
        data = sample.get_buffer().extract_dup(0, sample.get_buffer().get_size())
        if kind == "video":
            width, height = (sample.get_caps().get_structure(0).get_value(side) for side in ("width", "height"))
            at = 4 * (height * 3 // 4 * width + width // 2)
            say(sees=list(data[at + 1 : at + 4]))
            return Gst.FlowReturn.OK
        heard.extend(array.array("h", data))
        if len(heard) >= WINDOW:
            say(hears={str(hertz): amplitude(heard, hertz) for hertz in tones})
            del heard[:]
        return Gst.FlowReturn.OK

    sink = reader.get_by_name("sink")
    sink.set_property("emit-signals", True)
    sink.connect("new-sample", on_sample)
    pipeline.add(reader)
    reader.sync_state_with_parent()
    pad.link(reader.get_static_pad("sink"))


def ask(link, signal, *values):
    promise = Gst.Promise.new()
    link.emit(signal, *values, promise)
    promise.wait()
    return promise.get_reply()


def main(kind, address, token, certificate, *media):
    Gst.init(None)
    pipeline = Gst.Pipeline()
    link = Gst.ElementFactory.make("webrtcbin")
    link.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
    pipeline.add(link)
    # libnice leaves the loopback out by itself. The agent is webrtcbin's own, and must not be let go before it.
    agent = link.get_property("ice-agent")
    agent.emit("add-local-ip-address", "127.0.0.1")
    ready = threading.Event()
    link.connect("on-negotiation-needed", lambda _: ready.set())
    link.connect("notify::connection-state", lambda link, _: say(connection=link.get_property("connection-state").value_nick))
    (add_sender if kind == "send" else add_player)(link, *media)
    pipeline.set_state(Gst.State.PLAYING)
    ready.wait()
    # What is in a reply goes with it.
    reply = ask(link, "create-offer", None)
    offer = reply.get_value("offer")
    ask(link, "set-local-description", offer)
    answer, session = post(address, token, certificate, offer.sdp.as_text())
    _, sdp = GstSdp.SDPMessage.new_from_text(answer)
    ask(link, "set-remote-description", GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp))
    sys.stdin.read()
    say(deleted=delete(session, token, certificate))
    pipeline.set_state(Gst.State.NULL)


main(*sys.argv[1:])
