/** What goes wrong gets a sentence that says what was wrong and what to do. */
import { expect, test } from "vitest";

import { Process } from "../support/process.ts";
import { CONVENE, Service } from "../support/service.ts";

test("a port in use, an unknown meeting and a missing display each get a sentence", async () => {
  const service = await Service.start();
  try {
    const second = Process.start(CONVENE, ["serve", "--listen", `127.0.0.1:${service.port}`, "--data", `${service.data}-second`]);
    expect(await second.exit()).not.toBe(0);
    expect(second.output.join("\n")).toMatch(new RegExp(`${service.port}.*in use|in use.*${service.port}`));

    const options = ["--server", service.url, "--ca-file", service.certificate];
    const blind = Process.start(CONVENE, ["present", ...options, "--code", "123456789"], {
      env: { ...process.env, DISPLAY: "", WAYLAND_DISPLAY: "", XDG_SESSION_TYPE: "" },
    });
    expect(await blind.exit()).not.toBe(0);
    expect(blind.output.join("\n")).toMatch(/no X display/i);
  } finally {
    expect(await service.stop()).toBe(0);
  }
});

test("the service ends cleanly on SIGTERM and starts again on the same data", async () => {
  const first = await Service.start();
  expect(await first.stop(true)).toBe(0);
  const again = await Service.start({ data: first.data });
  expect(await again.stop()).toBe(0);
});
