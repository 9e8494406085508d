#!/bin/sh
# Records the X11 screen as a screen stream: regions, exact to the pixel, a few kilobytes while nothing moves.
#
#     examples/screen-to-file.sh [FILE] [SECONDS]
#
# Look at it again with examples/file-to-webm.sh, or directly:
#     filesrc location=talk.screen ! screendec ! videoconvert ! autovideosink
set -eu

file=${1:-talk.screen}
seconds=${2:-10}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

if [ -z "${DISPLAY:-}" ]; then
    echo "There is no X display: set DISPLAY, for example DISPLAY=:0." >&2
    exit 1
fi
cargo build --quiet --manifest-path "$root/Cargo.toml" -p gstconvenescreen
export GST_PLUGIN_PATH="${CARGO_TARGET_DIR:-$root/target}/debug${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"

gst-launch-1.0 -q -e \
    ximagesrc show-pointer=false use-damage=false num-buffers=$((seconds * 30)) \
    ! video/x-raw,framerate=30/1 ! videoconvert ! screenenc ! filesink location="$file"
echo "$file: $(wc -c < "$file") bytes for $seconds s of screen"
