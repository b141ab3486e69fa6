import { defineConfig } from 'vitest/config'
import usual from './vitest.config.ts'

const { test, ...rest } = usual

/** The tests with a real language model, which has one slot: one file after another. */
export default defineConfig({
  ...rest,
  test: {
    ...test,
    include: ['test/model/**/*.test.ts'],
    exclude: [],
    globalSetup: ['test/support/global-setup.ts', 'test/support/model-setup.ts'],
    maxWorkers: 1,
  },
})
