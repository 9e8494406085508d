// Who is in the meeting.

import { type MeetingState } from "../meeting/state";

export function Roster({ meeting }: { meeting: MeetingState }) {
  return (
    <section class="roster" aria-labelledby="roster-heading">
      <h2 id="roster-heading">
        People <span class="quiet">{meeting.participants.length}</span>
      </h2>
      <ul data-testid="roster">
        {meeting.participants.map(({ id, name, host }) => (
          <li key={id}>
            <span class="name">{name}</span>
            {id === meeting.you && <span class="badge">you</span>}
            {host && <span class="badge">host</span>}
            {id === meeting.presenter && <span class="badge presenting">presents</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
