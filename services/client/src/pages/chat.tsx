// What people write to each other.

import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MeetingState } from "../meeting/state";
import { CHAT_CHARS_MAX } from "../protocol";

/** Whoever has scrolled up further than this reads older lines, and is left there. */
const AT_END_PX = 40;

export function Chat({ meeting, onSay }: { meeting: MeetingState; onSay: (text: string) => boolean }) {
  const [text, setText] = useState("");
  const id = useId();
  const log = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);

  useLayoutEffect(() => {
    if (isAtEnd.current && log.current) log.current.scrollTop = log.current.scrollHeight;
  }, [meeting.chat]);

  const say = (event: Event): void => {
    event.preventDefault();
    // A line that could not be sent stays in the field.
    if (text.trim() !== "" && onSay(text.trim())) setText("");
  };

  return (
    <section class="chat" aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>Chat</h2>
      <div
        class="log"
        ref={log}
        role="log"
        aria-live="polite"
        tabIndex={0}
        aria-labelledby={`${id}-heading`}
        data-testid="chat-log"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < AT_END_PX;
        }}
      >
        <ol>
          {meeting.chat.map((line) => (
            <li key={line.id}>
              <span class="name">{line.name}</span> <time class="quiet">{timeText(line.time)}</time>
              <p>{line.text}</p>
            </li>
          ))}
        </ol>
      </div>
      <form onSubmit={say}>
        <label class="unseen" for={id}>
          Say something to all
        </label>
        <input
          id={id}
          data-testid="chat-input"
          placeholder="Say something to all"
          autocomplete="off"
          maxLength={CHAT_CHARS_MAX}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" data-testid="chat-send" disabled={meeting.phase.at !== "joined"}>
          Send
        </button>
      </form>
    </section>
  );
}

function timeText(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}
