// Where telephones call, as addresses that a telephone program takes.

import type { DialIn } from "../protocol";

/** The safest first. Whoever calls the code is not asked for it, and some telephones take no address that names nobody. Ports are said even where they are the usual ones: then nobody has to know them. */
export function dialInAddresses({ tls_port, tcp_port, udp_port }: DialIn, code: string, host: string): readonly string[] {
  const addresses: string[] = [];
  if (tls_port !== null) addresses.push(`sips:${code}@${host}:${tls_port}`);
  if (tcp_port !== null) addresses.push(`sip:${code}@${host}:${tcp_port};transport=tcp`);
  if (udp_port !== null) addresses.push(`sip:${code}@${host}:${udp_port}`);
  return addresses;
}
