/** Programs that send by WHIP (RFC 9725) and watch by WHEP, on pages of another site: nothing but `fetch` and `RTCPeerConnection`. */
import type { Person } from "./faces.ts";

export interface Pass {
  readonly address: string;
  readonly token: string;
}

/** A pass of a host's, as her buttons give it to the clipboard. She has the passes open and may use the clipboard. */
export async function passOf(host: Person, kind: "send" | "watch", name: string): Promise<Pass> {
  await host.at("stream-name").fill(name);
  await host.at(`allow-${kind}`).click();
  const pass = host.at("pass").filter({ hasText: name });
  const copied = async (what: string, button: string) => {
    await pass.getByTestId(button).click();
    await pass.getByTestId("stream-copied").getByText(`${what} copied`).waitFor();
    return host.participant.page.evaluate(() => navigator.clipboard.readText());
  };
  return { address: await copied("Address", "copy-stream-address"), token: await copied("Token", "copy-stream-token") };
}

/** Lets a host give out passes. Before her camera and microphone are on: Chromium forgets what it had permitted. */
export async function openPasses(host: Person): Promise<void> {
  await host.participant.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await host.at("streams").locator("summary").click();
}

/** Sends the page's camera and microphone; gives the session's address. */
export async function send(person: Person, pass: Pass): Promise<string> {
  return person.participant.page.evaluate(async ({ address, token }) => {
    const sound = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const media = await navigator.mediaDevices.getUserMedia({ audio: sound, video: { width: 640, height: 480 } });
    const link = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    (window as unknown as { link: RTCPeerConnection }).link = link;
    for (const track of media.getTracks()) link.addTransceiver(track, { direction: "sendonly" });
    await link.setLocalDescription();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
    const answer = await fetch(address, { method: "POST", headers, body: link.localDescription!.sdp });
    if (answer.status !== 201) throw new Error(await answer.text());
    await link.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    return new URL(answer.headers.get("location")!, address).href;
  }, pass);
}

/** Plays the meeting, as a face with this name, so that a person can tell what is seen and heard. */
export async function watch(person: Person, name: string, pass: Pass): Promise<string> {
  const watching = async ({ name, address, token }: Pass & { name: string }) => {
    const face = document.createElement("figure");
    face.dataset.testid = "face";
    face.textContent = name;
    const video = face.appendChild(document.createElement("video"));
    const audio = document.body.appendChild(document.createElement("audio"));
    audio.dataset.testid = "sound";
    document.body.append(face);
    const link = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    (window as unknown as { link: RTCPeerConnection }).link = link;
    link.ontrack = ({ track }) => {
      const player = track.kind === "video" ? video : audio;
      player.srcObject = new MediaStream([track]);
      void player.play();
    };
    for (const kind of ["audio", "video"]) link.addTransceiver(kind, { direction: "recvonly" });
    await link.setLocalDescription();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
    const answer = await fetch(address, { method: "POST", headers, body: link.localDescription!.sdp });
    if (answer.status !== 201) throw new Error(await answer.text());
    await link.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    return new URL(answer.headers.get("location")!, address).href;
  };
  return person.participant.page.evaluate(watching, { name, ...pass });
}

/** Restarts ICE by `PATCH`, as a program does whose network has changed; gives the answer's status. */
export async function restart(person: Person, session: string, token: string): Promise<number> {
  return person.participant.page.evaluate(
    async ({ session, token }) => {
      const { link } = window as unknown as { link: RTCPeerConnection };
      const before = link.remoteDescription!.sdp;
      const ways = (sdp: string) => sdp.match(/^(a=ice-ufrag|a=ice-pwd|a=candidate):.*$/gm)!;
      await link.setLocalDescription(await link.createOffer({ iceRestart: true }));
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*" };
      const body = ways(link.localDescription!.sdp).slice(0, 2).join("\r\n") + "\r\n";
      const answer = await fetch(session, { method: "PATCH", headers, body });
      const way = (name: string, text: string) => text.match(new RegExp(`^a=${name}:.*$`, "m"))![0];
      const fragment = await answer.text();
      let sdp = before;
      for (const name of ["ice-ufrag", "ice-pwd"]) sdp = sdp.replaceAll(way(name, before), way(name, fragment));
      await link.setRemoteDescription({ type: "answer", sdp });
      return answer.status;
    },
    { session, token },
  );
}

/** Ends a session. */
export async function end(person: Person, session: string, token: string): Promise<number> {
  const ending = async ({ session, token }: { session: string; token: string }) => {
    const answer = await fetch(session, { method: "DELETE", headers: { Authorization: `Bearer ${token}` } });
    return answer.status;
  };
  return person.participant.page.evaluate(ending, { session, token });
}
