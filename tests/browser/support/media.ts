/** What ffprobe and the file system say of a recording. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

import { run } from "./process.ts";

export async function sha256(path: string): Promise<string> {
  return createHash("sha256").update(await readFile(path)).digest("hex");
}

/** Reads every packet and decodes every frame; a complaint is an error. Gives the duration that the header states, in seconds. */
export async function probe(path: string): Promise<{ duration: number; codecs: string[] }> {
  // With the file's own times: FFmpeg would count them in a frame rate that it has guessed.
  const decoded = await run("ffmpeg", ["-v", "warning", "-i", path, "-enc_time_base", "-1", "-f", "null", "-"]);
  const { stdout, stderr } = await run("ffprobe", ["-v", "warning", "-of", "json", "-show_format", "-show_streams", path]);
  const complaints = (decoded.stderr + stderr).trim();
  if (complaints) throw new Error(`${path}: ${complaints}`);
  const found = JSON.parse(stdout.toString()) as { format: { duration: string }; streams: { codec_name: string }[] };
  return { duration: Number(found.format.duration), codecs: found.streams.map((stream) => stream.codec_name) };
}

/** How loud a tone is in a file's sound, in decibels over what lies beside it. */
export async function loudness(path: string, hertz: number): Promise<number> {
  return (await level(path, hertz)) - (await level(path, hertz * 1.21));
}

/** By how many decibels a tone is louder on the left of a file's sound than on the right. */
export async function balance(path: string, hertz: number): Promise<number> {
  return (await level(path, hertz, "pan=mono|c0=c0,")) - (await level(path, hertz, "pan=mono|c0=c1,"));
}

/** How loud a file is around a frequency, at its loudest, in decibels of full scale. */
async function level(path: string, hertz: number, part = ""): Promise<number> {
  // Twice, as one filter of this kind lets too much of the neighbours through.
  const band = `bandpass=f=${Math.round(hertz)}:width_type=h:w=30`;
  const { stderr } = await run("ffmpeg", ["-i", path, "-vn", "-af", `${part}${band},${band},volumedetect`, "-f", "null", "-"]);
  return Number(stderr.match(/max_volume: (-?[\d.]+) dB/)?.[1] ?? Number.NaN);
}

/** The colour of a point of a recording's picture at a second, as red, green and blue. The place is in parts of width and height. */
export async function colourAt(path: string, second: number, [x, y]: readonly [number, number]): Promise<[number, number, number]> {
  const point = `crop=8:8:(iw-8)*${x}:(ih-8)*${y},scale=1:1,format=rgb24`;
  const { stdout } = await run("ffmpeg", ["-v", "error", "-ss", String(second), "-i", path, "-frames:v", "1", "-vf", point, "-f", "rawvideo", "-"]);
  const [red, green, blue] = stdout;
  return [red!, green!, blue!];
}

/** How bright the upper left corner of a recording's picture is, from 0 to 255, as it is seen ten times a second. */
export async function corners(path: string): Promise<number[]> {
  const corner = "fps=10,crop=8:8:0:0,scale=1:1,format=gray";
  const { stdout } = await run("ffmpeg", ["-v", "error", "-i", path, "-vf", corner, "-f", "rawvideo", "-"]);
  return [...stdout];
}

/** When beeps begin in a recording, and by how many milliseconds the flash of each is later. */
export async function clapOffsets(path: string): Promise<{ second: number; late: number }[]> {
  const meter = ["-an", "-vf", "signalstats,metadata=print:file=-", "-f", "null", "/dev/null"];
  const { stdout } = await run("ffmpeg", ["-v", "error", "-i", path, ...meter]);
  const pictures = [...stdout.toString().matchAll(/pts_time:([\d.]+)\s+[^]*?signalstats\.YAVG=([\d.]+)/g)].map(([, second, luma]) => [Number(second), Number(luma)]);
  const usual = pictures.map(([, luma]) => luma!).sort((one, other) => one - other)[pictures.length >> 1]!;
  const flashes = pictures.flatMap(([second, luma], index) => (0 < index && pictures[index - 1]![1]! < usual + 20 && usual + 20 < luma! ? [second!] : []));
  const ear = "aresample=async=1:first_pts=0,silencedetect=n=-25dB:d=0.3";
  const { stderr } = await run("ffmpeg", ["-i", path, "-vn", "-af", ear, "-f", "null", "-"]);
  const beeps = [...stderr.matchAll(/silence_end: ([\d.]+)/g)].map(([, second]) => Number(second));
  return beeps.flatMap((second) => {
    const late = flashes.map((flash) => (flash - second) * 1_000).sort((one, other) => Math.abs(one) - Math.abs(other))[0];
    return late !== undefined && Math.abs(late) < 500 ? [{ second, late }] : [];
  });
}
