// The service's HTTP requests.

import type { Deleted, Recording, StartedMeeting } from "./protocol";

/** A request that failed; the message is a sentence for the person at the screen. */
export class ApiError extends Error {
  override readonly name = "ApiError";
}

export function startMeeting(): Promise<StartedMeeting> {
  return request<StartedMeeting>("POST", "/api/meetings");
}

export async function listRecordings(): Promise<readonly Recording[]> {
  return (await request<{ recordings: readonly Recording[] }>("GET", "/api/recordings")).recordings;
}

/** `deleted` is false when a region is away: it is done when that is back. */
export function deleteRecording(id: string): Promise<Deleted> {
  return request<Deleted>("DELETE", `/api/recordings/${encodeURIComponent(id)}`);
}

export function mediaUrl(id: string): string {
  return `/api/recordings/${encodeURIComponent(id)}/media`;
}

async function request<T>(method: string, path: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { method, headers: { Accept: "application/json" } });
  } catch {
    throw new ApiError("The service does not answer. Check the network and try again.");
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && typeof body === "object" && body !== null) return body as T;
  throw new ApiError(sentence(body) ?? `The service answered with status ${response.status}. Try again in a minute.`);
}

function sentence(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("message" in body)) return null;
  return typeof body.message === "string" ? body.message : null;
}
