// What the pages outside of a meeting share: the head with its links, and one column.

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

export function Shell({ title, wide, children }: { title: string; wide?: boolean; children: ComponentChildren }) {
  useEffect(() => {
    document.title = title === "Convene" ? title : `${title} - Convene`;
  }, [title]);
  return (
    <div class="page">
      <header class="bar">
        <Brand />
        <nav aria-label="Pages">
          <a href="/">Meet</a>
          <a href="/recordings">Recordings</a>
        </nav>
      </header>
      <main class={wide ? "column wide" : "column"}>
        <h1>{title}</h1>
        {children}
      </main>
    </div>
  );
}

export function Brand() {
  return (
    <a class="brand" href="/">
      <img src="/favicon.svg" alt="" width="24" height="24" />
      Convene
    </a>
  );
}
