/** People meet: start, join by code and by link, talk, and part. */
import type { Browser } from "playwright-core";
import { expect, test } from "vitest";

import { Participant, until } from "../support/browser.ts";
import type { Service } from "../support/service.ts";
import { stage } from "../support/stage.ts";

let service: Service;
let browser: Browser;

stage((...both) => ([service, browser] = both));

test("a guest joins by link, both are in the roster, and a chat line reaches both", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  const guest = await Participant.join(browser, service.url, code, "Bob");
  for (const participant of [host, guest]) {
    await until("both names in the roster", () => participant.at("roster").innerText(), (names) => /Ann/.test(names) && /Bob/.test(names));
  }
  await guest.at("chat-input").fill("Good morning <b>all</b>");
  await guest.at("chat-send").click();
  for (const participant of [host, guest]) {
    await until("the line in the chat", () => participant.at("chat-log").innerText(), (log) => log.includes("Good morning <b>all</b>"));
  }
  await guest.leave();
  await until("Bob gone from the roster", () => host.at("roster").innerText(), (names) => !names.includes("Bob"));
  await host.leave();
});

test("a guest joins by typing the code on the first page", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  const guest = await Participant.open(browser, service.url);
  await guest.at("name-input").first().fill("Cem");
  await guest.at("code-input").fill(`${code.slice(0, 3)} ${code.slice(3, 6)} ${code.slice(6)}`);
  await guest.at("join").click();
  await until("Cem in the host's roster", () => host.at("roster").innerText(), (names) => names.includes("Cem"));
  await host.at("end-meeting").click();
  const confirm = host.page.getByRole("button", { name: /end/i }).last();
  if (await confirm.isVisible().catch(() => false)) await confirm.click().catch(() => undefined);
  await until("the guest is told that it is over", () => guest.page.locator("body").innerText(), (text) => /ended|over/i.test(text));
  await host.leave();
  await guest.leave();
});

test("a raised hand is seen by all and lowered by the host, and a locked meeting lets nobody in", async () => {
  const { host, code } = await Participant.host(browser, service.url, "Ann");
  const guest = await Participant.join(browser, service.url, code, "Bob");
  await guest.at("raise-hand").click();
  await host.at("hand-up").waitFor();
  await guest.at("hand-up").waitFor();
  await host.at("lower-hand").click();
  await until("the hand is down", () => guest.at("hand-up").count(), (hands) => hands === 0);
  await host.at("lock").click();
  await until("the guest is told", () => guest.at("notice").innerText(), (text) => /locked/.test(text));
  const late = await Participant.open(browser, `${service.url}/${code}`);
  await late.at("name-input").first().fill("Cem");
  await late.at("join").click();
  await until("who comes late is told why", () => late.page.locator("body").innerText(), (text) => /has locked this meeting/.test(text));
  await host.at("lock").click();
  const welcome = await Participant.join(browser, service.url, code, "Cem");
  for (const one of [late, welcome, guest, host]) await one.leave();
});

test("wrong and ended codes get one and the same sentence", async () => {
  const guest = await Participant.open(browser, `${service.url}/000000000`);
  await guest.at("name-input").first().fill("Eve");
  await guest.at("join").click();
  await until("a sentence", () => guest.page.locator("body").innerText(), (text) => /No meeting can be joined/i.test(text));
  expect(await guest.at("roster").count()).toBe(0);
  await guest.leave();
});
