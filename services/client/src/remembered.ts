// What the browser keeps: the person's name and devices for the next meeting, and the host's token while this tab lives. A browser that
// keeps nothing (private windows, blocked storage) is no error.

const NAME = "convene.name";
const DEVICES = "convene.devices";
const TOKEN = "convene.token.";

/** The ids of the chosen devices, empty for the system's own choice, and what was on. */
export interface RememberedDevices {
  readonly camera: string;
  readonly microphone: string;
  readonly speaker: string;
  readonly isCameraOn: boolean;
  readonly isMicrophoneOn: boolean;
  /** The microphone hears music. */
  readonly isMusic: boolean;
}

const NO_DEVICES: RememberedDevices = { camera: "", microphone: "", speaker: "", isCameraOn: false, isMicrophoneOn: false, isMusic: false };

export function rememberedName(): string {
  return quietly(() => localStorage.getItem(NAME)) ?? "";
}

export function rememberName(name: string): void {
  quietly(() => localStorage.setItem(NAME, name));
}

/** Both off the first time: nobody is seen or heard before they said so. */
export function rememberedDevices(): RememberedDevices {
  const kept: unknown = quietly(() => JSON.parse(localStorage.getItem(DEVICES) ?? "null"));
  return typeof kept === "object" && kept !== null ? { ...NO_DEVICES, ...kept } : NO_DEVICES;
}

export function rememberDevices(devices: RememberedDevices): void {
  quietly(() => localStorage.setItem(DEVICES, JSON.stringify(devices)));
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
