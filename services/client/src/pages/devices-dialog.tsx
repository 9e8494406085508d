// The devices, changed while the meeting goes on.

import { useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Devices } from "../talk/devices";
import { DevicePanel } from "./device-panel";

export function DevicesDialog({ devices, onClose }: { devices: Devices; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="wide" aria-labelledby={id} onClose={onClose} data-testid="devices-dialog">
      <h2 id={id}>Camera and microphone</h2>
      <DevicePanel devices={devices} />
      <div class="buttons">
        <button type="button" class="primary" data-testid="devices-done" onClick={() => dialog.current?.close()}>
          Done
        </button>
      </div>
    </dialog>
  );
}
