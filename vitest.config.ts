import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Processes, not threads: a test that kills servers or blocks its event loop must not reach the others.
    pool: 'forks',
    maxWorkers: 2,
    // Long enough for a loaded machine: what must be quick is asserted where it is promised.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
