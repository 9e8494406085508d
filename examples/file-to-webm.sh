#!/bin/sh
# Makes a WebM of a screen stream, with the recorder of Convene's meetings: it plays and seeks in every browser.
#
#     examples/file-to-webm.sh [FILE.screen] [FILE.webm]
set -eu

from=${1:-talk.screen}
to=${2:-${from%.screen}.webm}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

if [ ! -r "$from" ]; then
    echo "There is no file $from. Make one: examples/screen-to-file.sh $from" >&2
    exit 1
fi
cargo build --quiet --manifest-path "$root/Cargo.toml" -p gstconvenescreen -p gstconvenerecording
export GST_PLUGIN_PATH="${CARGO_TARGET_DIR:-$root/target}/debug${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"

gst-launch-1.0 -q -e filesrc location="$from" ! screendec ! meetingrecorder ! filesink location="$to"
echo "$to: $(wc -c < "$to") bytes"
