// How the meeting is joined by telephone.

import { codeGroups } from "../meeting/code";
import { dialInAddresses } from "../meeting/dial-in";
import type { Session } from "../meeting/session";
import type { CallOut, DialIn } from "../protocol";
import { CallOuts } from "./call-out";

interface DialInProps {
  readonly dialIn: DialIn;
  readonly code: string;
  readonly calls: readonly CallOut[];
  readonly session: Session;
}

export function DialInDetails({ dialIn, code, calls, session }: DialInProps) {
  return (
    <details class="dial-in" data-testid="dial-in">
      <summary>Join by telephone</summary>
      <ol>
        <li>
          Call{" "}
          {dialInAddresses(dialIn, code, location.hostname).map((address, index) => (
            <span key={address}>
              {index > 0 && " or "}
              <a href={address} data-testid="dial-in-address">
                {address}
              </a>
            </span>
          ))}
        </li>
        <li>
          If you are asked for a code, enter <strong>{codeGroups(code).join(" ")}</strong> and #
        </li>
      </ol>
      <p class="quiet">
        In the meeting, *6 mutes and unmutes, *5 raises and lowers your hand, *3 says who is there, *4 and *7 turn the others down and up, *0
        says all of this.
        {dialIn.pin !== null && (
          <>
            {" "}
            For the host: *9 and <strong data-testid="dial-in-pin">{dialIn.pin}</strong> and #, then *1 mutes all others, *2 locks and opens the meeting, *8 starts or stops
            the recording, *# ends the meeting.
          </>
        )}
      </p>
      {dialIn.call_out === true && <CallOuts calls={calls} session={session} />}
    </details>
  );
}
