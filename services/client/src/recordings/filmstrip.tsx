// Pictures along a recording's time: they lie side by side in one file, and one of them is seen.

import { useState } from "preact/hooks";

/** How wide each is, in pixels; the service makes them so. */
const PICTURE_WIDTH = 160;

/** Which of so many pictures shows this share of the time, from 0 to 1. */
export function pictureAt(share: number, count: number): number {
  return Math.min(Math.max(Math.floor(share * count), 0), Math.max(count - 1, 0));
}

/** Invisible until it is loaded, and for good when there are no pictures. */
export function Filmstrip({ address, share }: { address: string; share: number }) {
  const [count, setCount] = useState(0);
  return (
    <div class="filmstrip" hidden={count === 0} data-testid="filmstrip">
      <img
        src={`${address}/filmstrip`}
        alt=""
        style={{ width: `${count * 100}%`, transform: `translateX(${(-100 * pictureAt(share, count)) / Math.max(count, 1)}%)` }}
        onLoad={({ currentTarget }) => setCount(Math.max(Math.round(currentTarget.naturalWidth / PICTURE_WIDTH), 1))}
        onError={() => setCount(0)}
      />
    </div>
  );
}

/** What a recording looks like; under the pointer it passes by. It plays by the button beside it, so it is nothing for keyboards and screen readers. */
export function Poster({ address, onPlay }: { address: string; onPlay: () => void }) {
  const [isThere, setIsThere] = useState(true);
  const [share, setShare] = useState<number | null>(null);
  return (
    <div
      class="poster"
      aria-hidden="true"
      hidden={!isThere}
      data-testid="poster"
      onClick={onPlay}
      onPointerMove={(event) => setShare(shareOf(event))}
      onPointerLeave={() => setShare(null)}
    >
      <img src={`${address}/poster`} alt="" loading="lazy" onError={() => setIsThere(false)} />
      {share !== null && <Filmstrip address={address} share={share} />}
    </div>
  );
}

/** How far from the left edge of an element the pointer is, from 0 to 1. */
export function shareOf({ currentTarget, clientX }: { currentTarget: Element; clientX: number }): number {
  const { left, width } = currentTarget.getBoundingClientRect();
  return width === 0 ? 0 : Math.min(Math.max((clientX - left) / width, 0), 1);
}
