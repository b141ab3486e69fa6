import type { TestProject } from 'vitest/node'
import { startModelServer } from './model-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    modelUrl: string
  }
}

/** Starts the model that all tests of a run share; returns what stops it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const startedAt = performance.now()
  const model = await startModelServer()
  console.log(`The model is ${model.program}, there after ${Math.round(performance.now() - startedAt)} ms.`)
  project.provide('modelUrl', model.url)
  return model.stop
}
