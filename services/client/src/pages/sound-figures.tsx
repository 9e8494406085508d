// How well somebody's sound comes in, in a word, and the figures for whoever wants to know why.

import type { Sound } from "../protocol";

export function SoundFigures({ name, sound }: { name: string; sound: Sound | undefined }) {
  if (sound === undefined) return null;
  return (
    <details class={`sound ${sound.quality}`} data-testid="sound-figures">
      <summary>
        <span class="unseen">{name}: </span>sound {sound.quality}
      </summary>
      <dl>
        {figures(sound).map(([what, value]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

export function figures(sound: Sound): readonly (readonly [string, string])[] {
  const share = (permille: number): string => `${permille / 10} %`;
  const trip = sound.round_trip_ms === null ? "not known" : `${sound.round_trip_ms} ms`;
  return [
    ["Lost or late", share(sound.lost_permille)],
    ["Made up", share(sound.concealed_permille)],
    ["Jitter", `${sound.jitter_ms} ms`],
    ["Round trip", trip],
    ["Buffer", `${sound.buffer_ms} ms`],
    ["Mouth to ear, about", `${sound.mouth_to_ear_ms} ms`],
    ["Level", sound.level_dbov <= -127 ? "silent" : `${sound.level_dbov} dBov`],
  ];
}
