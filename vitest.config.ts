import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Processes, not threads: a test that kills servers or blocks its event loop must not reach the others.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
