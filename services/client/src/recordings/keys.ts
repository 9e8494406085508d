// What the keys do in a player, as they do in the players that people know.

export type Command =
  | { readonly do: "toggle" }
  | { readonly do: "mute" }
  | { readonly do: "fill" }
  /** In seconds. */
  | { readonly do: "skip"; readonly by: number }
  /** To this share of the whole, from 0 to 1. */
  | { readonly do: "seek"; readonly to: number }
  | { readonly do: "speed"; readonly by: 1 | -1 }
  | { readonly do: "volume"; readonly by: number };

export const SPEEDS: readonly number[] = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 3];

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [" ", { do: "toggle" }],
  ["k", { do: "toggle" }],
  ["m", { do: "mute" }],
  ["f", { do: "fill" }],
  ["ArrowLeft", { do: "skip", by: -5 }],
  ["ArrowRight", { do: "skip", by: 5 }],
  ["j", { do: "skip", by: -10 }],
  ["l", { do: "skip", by: 10 }],
  ["Home", { do: "seek", to: 0 }],
  ["End", { do: "seek", to: 1 }],
  ["<", { do: "speed", by: -1 }],
  [">", { do: "speed", by: 1 }],
  ["ArrowUp", { do: "volume", by: 0.1 }],
  ["ArrowDown", { do: "volume", by: -0.1 }],
]);

/** What a key does; null when it does nothing here. Digits go to tenths. */
export function commandOf(key: string): Command | null {
  if (/^[0-9]$/.test(key)) return { do: "seek", to: Number(key) / 10 };
  return COMMANDS.get(key.length === 1 ? key.toLowerCase() : key) ?? null;
}

/** The next speed up or down; at the ends it stays. */
export function nextSpeed(speed: number, by: 1 | -1): number {
  const at = SPEEDS.findIndex((other) => speed <= other);
  return SPEEDS[Math.min(Math.max((at < 0 ? SPEEDS.length - 1 : at) + by, 0), SPEEDS.length - 1)]!;
}
