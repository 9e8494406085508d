// How the client is built, served while it is worked on, and tested.
import { defineConfig } from "vitest/config";

/** The service that `npm run dev` talks to. */
const service = process.env["CONVENE_SERVER"] ?? "https://localhost:8443";

export default defineConfig({
  build: {
    target: "es2022",
    // The service's content security policy allows neither inline scripts nor data addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  worker: { format: "es" },
  // Its modules find their WebAssembly beside themselves, which bundling for development would break.
  optimizeDeps: { exclude: ["@jsquash/webp"] },
  server: {
    proxy: {
      "/api": { target: service, secure: false },
      "/ws": { target: service, secure: false, ws: true },
    },
  },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
  },
});
