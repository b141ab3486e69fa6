import { defineConfig } from 'vitest/config'

export default defineConfig({
  // As Node resolves: with Vite's `development` there would be two graphql modules, ours and that of our libraries.
  ssr: { resolve: { conditions: ['module-sync', 'node'], externalConditions: ['module-sync', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // Those with a real language model: npm run test:model.
    exclude: ['test/model/**'],
    globalSetup: ['test/support/global-setup.ts'],
    // Processes, not threads: a test that kills servers or blocks its event loop must not reach the others.
    pool: 'forks',
    maxWorkers: 2,
    // Long enough for a loaded machine, and no wait is shorter: they are for what never comes.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
  },
})
