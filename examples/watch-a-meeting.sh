#!/bin/sh
# Watches a meeting's screen in a window, with GStreamer alone.
#
#     examples/watch-a-meeting.sh https://localhost:8443/123456789 [CERTIFICATE.pem]
#
# The certificate is the service's data/tls/cert.pem, when it made one itself.
set -eu

if [ $# -lt 1 ]; then
    echo "Say which meeting: examples/watch-a-meeting.sh https://localhost:8443/123456789 data/tls/cert.pem" >&2
    exit 1
fi
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cargo build --quiet --manifest-path "$root/Cargo.toml" -p gstconvenescreen
export GST_PLUGIN_PATH="${CARGO_TARGET_DIR:-$root/target}/debug${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"

exec gst-launch-1.0 -q \
    screensrc location="$1" ${2:+ca-file="$2"} ! screendec ! videoconvert ! ${CONVENE_VIDEO_SINK:-autovideosink sync=false}
