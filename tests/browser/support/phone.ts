/** baresip, as somebody's telephone: its voice is a tone, and what it hears goes into a file. */
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { until } from "./browser.ts";
import { Process } from "./process.ts";

const MODULES = "/usr/lib/baresip/modules";

export class Phone {
  private constructor(
    private readonly process: Process,
    private readonly control: Socket,
    private readonly folder: string,
  ) {}

  /** Calls this address by TLS, with SRTP and in this codec, and has been answered. */
  static async call(address: string, name: string, codec: string, hertz: number, certificate: string): Promise<Phone> {
    const account = `"${name}" <sip:caller@127.0.0.1;transport=tls>;regint=0;mediaenc=srtp-mand;audio_codecs=${codec};dtmfmode=rtpevent`;
    const phone = await Phone.start(account, hertz, () => [`sip_cafile ${certificate}`]);
    // By TLS, as the account says: baresip does not know `sips:`, and asks a name server for hosts.
    phone.command("dial", address.replace(/^sips:([^@]*)@[^:]*/, "sip:$1@127.0.0.1"));
    await phone.established();
    return phone;
  }

  /** Waits to be called by this number, by TLS with SRTP, and picks up or not; `files` are a certificate and its key. */
  static async wait(number: string, answers: "auto" | "manual", hertz: number, files: readonly [string, string]): Promise<Phone> {
    // What baresip is told is the port for UDP; TLS has the next one.
    const port = (await freePort()) - 1;
    const certificate = (await Promise.all(files.map((file) => readFile(file, "utf8")))).join("");
    const account = `<sip:${number}@127.0.0.1>;regint=0;mediaenc=srtp-mand;audio_codecs=PCMA;dtmfmode=rtpevent;answermode=${answers}`;
    const phone = await Phone.start(account, hertz, async (folder) => {
      const both = join(folder, "both.pem");
      await writeFile(both, certificate, { mode: 0o600 });
      return [`sip_listen 127.0.0.1:${port}`, `sip_certificate ${both}`];
    });
    phone.tlsPort = port + 1;
    return phone;
  }

  /** Where it is called, if it is. */
  tlsPort = 0;

  /** `more` gives lines of its configuration, and may write into its folder. */
  private static async start(account: string, hertz: number, more: (folder: string) => string[] | Promise<string[]>): Promise<Phone> {
    const folder = await mkdtemp(join(tmpdir(), "convene-phone-"));
    const port = await freePort();
    await mkdir(join(folder, "heard"));
    await writeFile(join(folder, "config"), configuration(folder, port, hertz, await more(folder)));
    await writeFile(join(folder, "accounts"), `${account}\n`);
    await writeFile(join(folder, "contacts"), "");
    const process = Process.start("baresip", ["-f", folder]);
    try {
      await process.line(/baresip is ready/);
      return new Phone(process, connect(port, "127.0.0.1"), folder);
    } catch (error) {
      await process.stop();
      throw error;
    }
  }

  async established(): Promise<void> {
    await this.process.line(/Call established/);
  }

  /** Does not want to be called. */
  async decline(): Promise<void> {
    await this.process.line(/Incoming call/);
    this.command("hangup", "");
  }

  /** Presses these keys, one after the other. */
  async press(keys: string): Promise<void> {
    for (const key of keys) {
      this.command("sndcode", key);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  /** Gives the file of what was heard; `close` takes it away. */
  async hangUp(): Promise<string> {
    await this.process.stop();
    const files = await until("there is a file", () => readdir(join(this.folder, "heard")), (files) => files.some((file) => file.endsWith("dec.wav")));
    return join(this.folder, "heard", files.find((file) => file.endsWith("dec.wav"))!);
  }

  async close(): Promise<void> {
    this.control.destroy();
    await this.process.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A netstring of JSON. */
  private command(command: string, params: string): void {
    const text = JSON.stringify({ command, params });
    this.control.write(`${Buffer.byteLength(text)}:${text},`);
  }
}

function configuration(folder: string, port: number, hertz: number, more: readonly string[]): string {
  const modules = ["g711", "g722", "opus", "ausine", "aubridge", "sndfile", "srtp"].map((name) => `module ${name}.so`);
  return [
    `module_path ${MODULES}`,
    ...modules,
    "module_tmp account.so",
    "module_app menu.so",
    "module_app ctrl_tcp.so",
    `ctrl_tcp_listen 127.0.0.1:${port}`,
    `audio_source ausine,${hertz}`,
    "audio_player aubridge,heard",
    "ausrc_srate 48000",
    "ausrc_channels 2",
    `snd_path ${join(folder, "heard")}`,
    ...more,
    "net_interface 127.0.0.1",
    "",
  ].join("\n");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
