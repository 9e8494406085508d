// The own camera and microphone: a look at oneself, how loud one is, which devices are taken. Before joining and in the meeting.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Choosable, type Devices, type DevicesView, type Kind } from "../talk/devices";
import { followLevel } from "../talk/level";
import { Picture } from "./picture";

/** The view of the devices, as it changes. */
export function useDevices(devices: Devices): DevicesView {
  const [view, setView] = useState(devices.view);
  useEffect(() => {
    setView(devices.view);
    return devices.subscribe(setView);
  }, [devices]);
  return view;
}

export function DevicePanel({ devices }: { devices: Devices }) {
  const view = useDevices(devices);
  const { camera, microphone, isMicrophoneOn, isStarting, problems } = view;
  return (
    <section class="devices" aria-label="Camera and microphone">
      <div class="preview">
        {camera ? (
          <Picture track={camera} isMirrored label="Your camera, as in a mirror" testId="camera-preview" />
        ) : (
          <p>{isStarting.camera ? "The camera is starting …" : "Your camera is off"}</p>
        )}
      </div>
      <div class="settings">
        <div class="buttons">
          <Switch kind="camera" isOn={camera !== null} isStarting={isStarting.camera} onSwitch={(on) => void devices.setCamera(on)} />
          <Switch kind="microphone" isOn={isMicrophoneOn} isStarting={isStarting.microphone} onSwitch={(on) => void devices.setMicrophone(on)} />
        </div>
        <Level track={isMicrophoneOn ? microphone : null} />
        <p class="problem" role="alert" data-testid="device-problem">
          {[problems.camera, problems.microphone].filter((text) => text !== null).join(" ")}
        </p>
        <SoundMode isMusic={view.isMusic} onChoose={(isMusic) => void devices.setMusic(isMusic)} />
        {(["camera", "microphone", "speaker"] as const).map((kind) => (
          <Choose key={kind} kind={kind} view={view} onChoose={(id) => void devices.choose(kind, id)} />
        ))}
      </div>
    </section>
  );
}

const SWITCH_TEXTS: Readonly<Record<Kind, { readonly on: string; readonly off: string }>> = {
  camera: { on: "Stop camera", off: "Start camera" },
  microphone: { on: "Mute", off: "Unmute" },
};

interface SwitchProps {
  readonly kind: Kind;
  readonly isOn: boolean;
  readonly isStarting: boolean;
  readonly onSwitch: (on: boolean) => void;
}

export function Switch({ kind, isOn, isStarting, onSwitch }: SwitchProps) {
  const texts = SWITCH_TEXTS[kind];
  const hint = kind === "microphone" ? { title: "Hold the space bar to talk while you are muted" } : {};
  return (
    <button type="button" class="switch" data-testid={kind} aria-busy={isStarting} {...hint} onClick={() => onSwitch(!isOn)}>
      <span class={`dot ${isOn ? "on" : "off"}`} aria-hidden="true" />
      {isOn ? texts.on : texts.off}
    </button>
  );
}

/** Moves with the voice; for screen readers it says that it hears something, not how each syllable sounds. */
function Level({ track }: { track: MediaStreamTrack | null }) {
  const meter = useRef<HTMLMeterElement>(null);
  const id = useId();
  useEffect(() => {
    if (!track) return;
    const stop = followLevel(track, (level) => {
      if (meter.current) meter.current.value = level;
    });
    return () => {
      stop();
      if (meter.current) meter.current.value = 0;
    };
  }, [track]);
  return (
    <div class="field">
      <label for={id} class="quiet">
        {track ? "Your microphone hears" : "Your microphone is off"}
      </label>
      <meter id={id} ref={meter} min={0} max={1} value={0} data-testid="level" />
    </div>
  );
}

function SoundMode({ isMusic, onChoose }: { isMusic: boolean; onChoose: (isMusic: boolean) => void }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>What the microphone hears</label>
      <select
        id={id}
        data-testid="sound-mode"
        value={isMusic ? "music" : "voice"}
        onChange={({ currentTarget }) => onChoose(currentTarget.value === "music")}
      >
        <option value="voice">A voice: without echo and noise</option>
        <option value="music">Music: in stereo, as it is</option>
      </select>
      {isMusic && <p class="quiet">Use headphones: with music, echo is not taken away.</p>}
    </div>
  );
}

const CHOOSE_TEXTS: Readonly<Record<Choosable, string>> = { camera: "Camera", microphone: "Microphone", speaker: "Speaker" };

interface ChooseProps {
  readonly kind: Choosable;
  readonly view: DevicesView;
  readonly onChoose: (id: string) => void;
}

/** Nothing to choose, nothing to see. */
function Choose({ kind, view, onChoose }: ChooseProps) {
  const id = useId();
  const choices = view.choices[kind];
  const canChoose = kind !== "speaker" || "setSinkId" in HTMLMediaElement.prototype;
  if (choices.length === 0 || !canChoose) return null;
  const chosen = choices.some((choice) => choice.id === view.chosen[kind]) ? view.chosen[kind] : "";
  return (
    <div class="field">
      <label for={id}>{CHOOSE_TEXTS[kind]}</label>
      <select id={id} data-testid={`${kind}-choice`} value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
        <option value="">As the system has it</option>
        {choices.map((choice) => (
          <option key={choice.id} value={choice.id}>
            {choice.label}
          </option>
        ))}
      </select>
    </div>
  );
}
