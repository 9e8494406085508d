// How loud a microphone is just now, for a person who wants to see that it works.

/** What a quiet room has is shown as nothing, a raised voice as all. */
const QUIET_DB = -60;
const LOUD_DB = -10;

/** Calls `onLevel` with 0 to 1 for every frame that the page draws, until the answer is called. */
export function followLevel(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  // A page that nobody has touched yet may not run it; the next touch does.
  void context.resume();
  const samples = new Float32Array(analyser.fftSize);
  let frame = 0;
  const look = (): void => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(levelOf(samples));
    frame = requestAnimationFrame(look);
  };
  frame = requestAnimationFrame(look);
  return () => {
    cancelAnimationFrame(frame);
    void context.close();
  };
}

/** On a scale as ears have it: decibels between quiet and loud. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibels = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (decibels - QUIET_DB) / (LOUD_DB - QUIET_DB)));
}
