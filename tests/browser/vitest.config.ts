import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["stories/**/*.story.ts"],
    // Whole meetings on a small machine: one after the other, each bounded.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
