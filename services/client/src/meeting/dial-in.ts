// Where telephones call, as addresses that a telephone program takes.

import type { DialIn } from "../protocol";

/** The safest first. Ports are said even where they are the usual ones: then nobody has to know them. */
export function dialInAddresses({ tls_port, tcp_port, udp_port }: DialIn, host: string): readonly string[] {
  const addresses: string[] = [];
  if (tls_port !== null) addresses.push(`sips:${host}:${tls_port}`);
  if (tcp_port !== null) addresses.push(`sip:${host}:${tcp_port};transport=tcp`);
  if (udp_port !== null) addresses.push(`sip:${host}:${udp_port}`);
  return addresses;
}
