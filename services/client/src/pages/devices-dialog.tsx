// The devices, changed while the meeting goes on.

import { useId } from "preact/hooks";
import type { Devices } from "../talk/devices";
import { DevicePanel } from "./device-panel";
import { useModal } from "./modal";

export function DevicesDialog({ devices, onClose }: { devices: Devices; onClose: () => void }) {
  const { dialog, close } = useModal();
  const id = useId();
  return (
    <dialog ref={dialog} class="wide" aria-labelledby={id} onClose={onClose} data-testid="devices-dialog">
      <h2 id={id}>Camera and microphone</h2>
      <DevicePanel devices={devices} />
      <div class="buttons">
        <button type="button" class="primary" data-testid="devices-done" onClick={close}>
          Done
        </button>
      </div>
    </dialog>
  );
}
