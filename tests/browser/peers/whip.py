"""What the peers share: WHIP (RFC 9725) and WHEP, how loud a tone is, and how they say what they get."""

import json
import math
import ssl
import sys
import urllib.parse
import urllib.request

WIDTH, HEIGHT = 640, 480
RATE = 48_000
# Samples in 20 ms.
STEP = RATE // 50
# How often they say what they hear, in samples.
WINDOW = RATE // 2


def say(**what):
    # In one piece, as several threads have something to say.
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def amplitude(samples, hertz):
    """Of a tone, from 0 to 1 (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hertz / RATE)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    power = last * last + before * before - turn * last * before
    return 2 * math.sqrt(max(power, 0)) / len(samples) / 32_768


def post(address, token, certificate, offer):
    """Gives the answer and the session's address."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    request = urllib.request.Request(address, data=offer.encode(), headers=headers, method="POST")
    with urllib.request.urlopen(request, context=trusting(certificate), timeout=20) as answer:
        return answer.read().decode(), urllib.parse.urljoin(address, answer.headers["Location"])


def delete(session, token, certificate):
    request = urllib.request.Request(session, headers={"Authorization": f"Bearer {token}"}, method="DELETE")
    with urllib.request.urlopen(request, context=trusting(certificate), timeout=20) as answer:
        return answer.status


def trusting(certificate):
    return ssl.create_default_context(cafile=certificate)
