// What the browser keeps: the person's name for the next meeting, and the host's token while this tab lives. A browser that
// keeps nothing (private windows, blocked storage) is no error.

const NAME = "convene.name";
const TOKEN = "convene.token.";

export function rememberedName(): string {
  return quietly(() => localStorage.getItem(NAME)) ?? "";
}

export function rememberName(name: string): void {
  quietly(() => localStorage.setItem(NAME, name));
}

/** The host's token of this meeting, so that a reloaded page is still the host's. */
export function hostToken(code: string): string | null {
  return quietly(() => sessionStorage.getItem(TOKEN + code)) ?? null;
}

export function rememberHostToken(code: string, token: string): void {
  quietly(() => sessionStorage.setItem(TOKEN + code, token));
}

export function forgetHostToken(code: string): void {
  quietly(() => sessionStorage.removeItem(TOKEN + code));
}

function quietly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
