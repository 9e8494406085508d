// The service's HTTP requests.

import type { Deleted, GivenLink, Recording, Shown, StartedMeeting } from "./protocol";

/** A request that failed; the message is a sentence for the person at the screen. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  /** `reason` is the refusal's name in the protocol, if the service gave one. */
  constructor(
    message: string,
    readonly reason = "",
  ) {
    super(message);
  }
}

export function startMeeting(): Promise<StartedMeeting> {
  return request<StartedMeeting>("POST", "/api/meetings");
}

export async function listRecordings(): Promise<readonly Recording[]> {
  return (await request<{ recordings: readonly Recording[] }>("GET", "/api/recordings")).recordings;
}

/** `deleted` is false when a region is away: it is done when that is back. */
export function deleteRecording(id: string): Promise<Deleted> {
  return request<Deleted>("DELETE", recordingUrl(id));
}

/** What is left out stays as it is; `keep_until` is RFC 3339, and `null` is for ever. */
export function changeRecording(id: string, change: { title?: string; keep_until?: string | null }): Promise<Recording> {
  return request<Recording>("PATCH", recordingUrl(id), change);
}

export function shareRecording(id: string, wish: { until: string; password?: string }): Promise<GivenLink> {
  return request<GivenLink>("POST", `${recordingUrl(id)}/links`, wish);
}

export async function takeLinksBack(id: string): Promise<void> {
  await request<unknown>("DELETE", `${recordingUrl(id)}/links`);
}

/** What a link shows. */
export function watchRecording(token: string, password?: string): Promise<Shown> {
  return request<Shown>("POST", `/api/watch/${encodeURIComponent(token)}`, password === undefined ? {} : { password });
}

/** A recording's media and pictures are below it. */
export function recordingUrl(id: string): string {
  return `/api/recordings/${encodeURIComponent(id)}`;
}

async function request<T>(method: string, path: string, asked?: object): Promise<T> {
  let response: Response;
  const headers = { Accept: "application/json", ...(asked && { "Content-Type": "application/json" }) };
  try {
    response = await fetch(path, { method, headers, ...(asked && { body: JSON.stringify(asked) }) });
  } catch {
    throw new ApiError("The service does not answer. Check the network and try again.");
  }
  const body: unknown = response.status === 204 ? {} : await response.json().catch(() => null);
  if (response.ok && typeof body === "object" && body !== null) return body as T;
  const message = text(body, "message") ?? `The service answered with status ${response.status}. Try again in a minute.`;
  throw new ApiError(message, text(body, "error") ?? "");
}

function text(body: unknown, field: string): string | null {
  if (typeof body !== "object" || body === null || !(field in body)) return null;
  const value: unknown = (body as Record<string, unknown>)[field];
  return typeof value === "string" ? value : null;
}
