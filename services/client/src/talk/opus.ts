// How Opus is sent and heard, as session descriptions say it (RFC 7587, section 6.1): a browser encodes as the other end's says that it would like to
// hear, and decodes as its own says.

/** Bits a second of music. */
const MUSIC_BITS = 128_000;

/** What is heard may have two channels. */
export function inStereo(offer: string): string {
  return withParameters(offer, { stereo: "1" });
}

/** A voice is sent in one channel, and silence is not: a microphone in a quiet room costs nearly nothing. */
export function sendsVoice(answer: string): string {
  return withParameters(answer, { usedtx: "1" });
}

/** Music is sent in two, also where it is quiet. */
export function sendsMusic(answer: string): string {
  return withParameters(answer, { stereo: "1", "sprop-stereo": "1", maxaveragebitrate: `${MUSIC_BITS}` });
}

const OURS = ["stereo", "sprop-stereo", "maxaveragebitrate", "usedtx"];

/** Of these parameters, those and no others; others are left as they are. */
function withParameters(sdp: string, ours: Readonly<Record<string, string>>): string {
  const wanted = Object.entries(ours).map(([name, value]) => `${name}=${value}`);
  return sdp.replace(/^a=rtpmap:(\d+) opus\/48000\/2\r\n/gim, (line, type: string) => {
    const hasFormat = new RegExp(`^a=fmtp:${type} `, "m").test(sdp);
    return hasFormat ? line : `${line}a=fmtp:${type} ${wanted.join(";")}\r\n`;
  }).replace(/^(a=fmtp:(\d+) )(.*)\r\n/gm, (line, start: string, type: string, format: string) => {
    if (!new RegExp(`^a=rtpmap:${type} opus/`, "mi").test(sdp)) return line;
    const others = format.split(";").filter((parameter) => !OURS.includes(parameter.split("=")[0]?.trim() ?? ""));
    return `${start}${[...others, ...wanted].join(";")}\r\n`;
  });
}
