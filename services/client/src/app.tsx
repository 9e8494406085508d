// Which page is shown: the address decides, also when the person goes back.

import { useCallback, useEffect, useState } from "preact/hooks";
import { type Route, routeOf } from "./route";
import type { Join } from "./meeting/connection";
import { HomePage } from "./pages/home";
import { MeetingPage } from "./pages/meeting";
import { NameForm } from "./pages/name";
import { Shell } from "./pages/shell";
import { RecordingsPage } from "./recordings/page";
import { WatchPage } from "./recordings/watch";
import { hostToken } from "./remembered";
import { Devices } from "./talk/devices";

export function App() {
  // From the first look at oneself into the meeting: the camera is not switched off and on again in between.
  const [devices] = useState(() => new Devices());
  const [route, setRoute] = useState<Route>(() => routeOf(location.pathname));
  /** Whom to join as: known when the person came through a form of this page, not when a link was opened. */
  const [join, setJoin] = useState<Join | null>(null);

  useEffect(() => {
    const onPopState = (): void => {
      devices.release();
      setJoin(null);
      setRoute(routeOf(location.pathname));
    };
    addEventListener("popstate", onPopState);
    return () => removeEventListener("popstate", onPopState);
  }, [devices]);

  const enter = useCallback((code: string, name: string): void => {
    if (location.pathname !== `/${code}`) history.pushState(null, "", `/${code}`);
    setJoin({ code, name, token: hostToken(code) });
    setRoute({ page: "meeting", code });
  }, []);

  switch (route.page) {
    case "home":
      return <HomePage devices={devices} onEnter={enter} />;
    case "recordings":
      return <RecordingsPage />;
    case "watch":
      return <WatchPage key={route.token} token={route.token} />;
    case "meeting":
      if (join?.code === route.code) return <MeetingPage key={route.code} join={join} devices={devices} />;
      return <NameForm code={route.code} devices={devices} onName={(name) => enter(route.code, name)} />;
    case "unknown":
      return (
        <Shell title="Not found">
          <p>There is no page at this address. A meeting's address ends with its code of nine digits.</p>
          <p>
            <a href="/">Start or join a meeting</a>
          </p>
        </Shell>
      );
  }
}
