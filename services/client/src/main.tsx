// The client's entry: mounts the page that the address names.
import { render } from "preact";

const app = document.getElementById("app");
if (app) render(<h1>Convene</h1>, app);
