/** Programs that are let in and mean harm; and that nothing of a meeting is written to disk. */
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";

import { Participant, until } from "../support/browser.ts";
import { Person } from "../support/faces.ts";
import { type Flowing, flows, meet, type Pair } from "../support/flow.ts";
import { freePort } from "../support/path.ts";
import { Program } from "../support/program.ts";
import { Service } from "../support/service.ts";
import { openPasses, passOf } from "../support/stream.ts";

let service: Service;
let people: Person[] = [];
const programs: Program[] = [];

vi.setConfig({ testTimeout: 240_000 });

/** Tones whose overtones do not meet. */
const [ANN_HZ, BOB_HZ] = [500, 820];

beforeAll(async () => {
  service = await Service.start({ mediaPort: await freePort() });
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.end();
  for (const person of people) await person.close();
  people = [];
});

afterAll(async () => {
  await service?.stop();
});

/** Ann, who may give out passes, and Bob, who see and hear each other. */
async function pair(): Promise<Pair> {
  const { ann, code } = await Person.hosting(service.url, ANN_HZ);
  people.push(ann);
  await openPasses(ann);
  const bob = await Person.of("green", BOB_HZ, (browser) => Participant.join(browser, service.url, code, "Bob"));
  people.push(bob);
  await meet({ ann, bob });
  return { ann, bob };
}

/** The service's memory, in MiB. */
async function resident(): Promise<number> {
  const status = await readFile(`/proc/${service.process.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1_024;
}

test("programs that have all keys and mean harm disturb nobody", async () => {
  const { ann, bob } = await pair();
  const began = Date.now();
  await setTimeout(6_000);
  const without = await flows({ ann, bob }, began);
  // Without a voice: whoever speaks is wanted most, and may take from the others what a line carries.
  const sends = Program.send(service, await passOf(ann, "send", "Mallory"), "yellow", 0, "hostile");
  programs.push(sends);
  const watches = Program.watch(service, await passOf(ann, "watch", "Mel"), [ANN_HZ], "hostile");
  programs.push(watches);
  for (const program of programs) await program.expectHarm(2_000);
  const [since, before] = [Date.now(), await resident()];
  for (const program of programs) await program.expectHarm(10_000);
  const during = await flows({ ann, bob }, since);
  const grown = (await resident()) - before;
  console.info(`without harm ${words(without)}; with it ${words(during)}; ${grown.toFixed(1)} MiB more`);
  for (const [index, { rate, stillMs }] of during.entries()) {
    // The programs take their part of the machine, too.
    expect(rate).toBeGreaterThan(without[index]!.rate / 4);
    expect(stillMs).toBeLessThan(without[index]!.stillMs + 4_000);
  }
  expect(grown).toBeLessThan(32);
  await ann.expectToHear(BOB_HZ);
  await bob.expectToHear(ANN_HZ);
});

function words(flowing: readonly Flowing[]): string {
  return flowing.map(({ rate, stillMs }) => `${rate.toFixed(1)} pictures a second, ${stillMs} ms without any`).join(" and ");
}

/** What a process has open for writing that lies in a file system. */
async function writable(pid: number): Promise<string[]> {
  const files: string[] = [];
  for (const number of await readdir(`/proc/${pid}/fd`)) {
    // One that was closed meanwhile is none.
    const file = await readlink(`/proc/${pid}/fd/${number}`).catch(() => "");
    const info = await readFile(`/proc/${pid}/fdinfo/${number}`, "utf8").catch(() => "flags: 0");
    const flags = parseInt(/^flags:\s+(\d+)/m.exec(info)![1]!, 8);
    if (file.startsWith("/") && !file.startsWith("/dev/") && (flags & 3) !== 0) files.push(file);
  }
  return files;
}

/** All files below a folder, with their sizes and times. */
async function snapshot(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of await readdir(folder, { recursive: true })) {
    // One that was deleted meanwhile is none.
    const info = await stat(join(folder, name)).catch(() => null);
    if (info) files.set(name, `${info.size} ${info.mtimeMs}`);
  }
  return files;
}

async function written(): Promise<number> {
  return Number(/^write_bytes: (\d+)/m.exec(await readFile(`/proc/${service.process.pid}/io`, "utf8"))![1]);
}

test("nothing of a meeting that is not recorded is written to disk", async () => {
  const { ann, bob } = await pair();
  const [files, bytes, since] = [await snapshot(service.data), await written(), Date.now()];
  await until("ten seconds pass", async () => {
    const open = (await writable(service.process.pid)).filter((file) => !DATABASE.test(file));
    expect(open, "only the database is open for writing").toEqual([]);
    return Date.now() - since;
  }, (passed) => 10_000 < passed);
  for (const flow of await flows({ ann, bob }, since)) {
    expect(flow.rate, "media goes on").toBeGreaterThan(4);
  }
  const after = await snapshot(service.data);
  const changed = [...after].filter(([name, state]) => files.get(name) !== state && !DATABASE.test(name)).map(([name]) => name);
  expect(changed).toEqual([]);
  // Ten seconds of two cameras and voices are some hundred thousand bytes.
  expect((await written()) - bytes).toBeLessThan(65_536);
});

/** What the catalogue of recordings lies in, with what SQLite keeps beside it; and an empty file that says whose the folder is. */
const DATABASE = /\.(sqlite|db)(-wal|-shm|-journal)?$|\/?spool\.lock$/;
