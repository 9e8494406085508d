import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["stories/**/*.story.ts"],
    // Whole meetings on a small machine: one after the other, each bounded.
    fileParallelism: false,
    // A browser that the machine gave no time shows fewer pictures than it was sent: what fails is tried once more, and the report says so.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
