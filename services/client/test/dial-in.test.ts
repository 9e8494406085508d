// Addresses that a telephone takes.

import { expect, test } from "vitest";
import { dialInAddresses } from "../src/meeting/dial-in";

test("each open port has an address, the safest first", () => {
  const dialIn = { tls_port: 5061, tcp_port: 5060, udp_port: 5070, pin: null };
  expect(dialInAddresses(dialIn, "123456789", "meet.example.org")).toEqual([
    "sips:123456789@meet.example.org:5061",
    "sip:123456789@meet.example.org:5060;transport=tcp",
    "sip:123456789@meet.example.org:5070",
  ]);
  expect(dialInAddresses({ ...dialIn, tls_port: null, tcp_port: null }, "123456789", "[::1]")).toEqual(["sip:123456789@[::1]:5070"]);
});
