// Who is in the meeting.

import type { Session } from "../meeting/session";
import { type MeetingState } from "../meeting/state";
import { SoundFigures } from "./sound-figures";

export function Roster({ meeting, session }: { meeting: MeetingState; session: Session }) {
  return (
    <section class="roster" aria-labelledby="roster-heading">
      <h2 id="roster-heading">
        People <span class="quiet">{meeting.participants.length}</span>
      </h2>
      <ul data-testid="roster">
        {meeting.participants.map(({ id, name, host, microphone, hand, telephone, stream }) => (
          <li key={id}>
            <span class="name">{name}</span>
            {id === meeting.you && <span class="badge">you</span>}
            {host && <span class="badge">host</span>}
            {telephone && (
              <span class="badge" data-testid="by-telephone">
                <span aria-hidden="true">☎ </span>telephone
              </span>
            )}
            {stream && (
              <span class="badge" data-testid="as-stream">
                stream
              </span>
            )}
            {hand && (
              <span class="badge hand" data-testid="hand-up">
                hand up
              </span>
            )}
            {id === meeting.presenter && <span class="badge presenting">presents</span>}
            {!microphone && !stream && <span class="badge">muted</span>}
            {microphone && meeting.speakers.includes(id) && <span class="badge speaking">speaks</span>}
            <SoundFigures name={name} sound={meeting.sound.find((sound) => sound.id === id)} />
            {hand && meeting.host && id !== meeting.you && (
              <button type="button" class="small" data-testid="lower-hand" data-id={id} onClick={() => session.lowerHand(id)}>
                Lower<span class="unseen"> the hand of {name}</span>
              </button>
            )}
            {microphone && meeting.host && id !== meeting.you && (
              <button type="button" class="small" data-testid="mute-other" data-id={id} onClick={() => session.mute(id)}>
                Mute<span class="unseen"> {name}</span>
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
