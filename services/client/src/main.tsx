// The client's entry: mounts the page that the address names.

import { render } from "preact";
import { App } from "./app";
import "./style/base.css";
import "./style/pages.css";
import "./style/meeting.css";
import "./style/talk.css";
import "./style/recordings.css";

const root = document.getElementById("app");
if (root) render(<App />, root);
