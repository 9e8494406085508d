// A session code as people read it: three groups of three, by space on the screen only, so that a copy is the plain code.

import { codeGroups } from "../meeting/code";

export function Code({ code }: { code: string }) {
  return (
    <span class="code" data-testid="meeting-code">
      {codeGroups(code).map((group, index) => (
        <span key={index}>{group}</span>
      ))}
    </span>
  );
}
