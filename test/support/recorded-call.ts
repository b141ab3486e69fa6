import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { ModelError } from '../../src/chat/model/chat-model.ts'
import { createOpenAiModel } from '../../src/chat/model/openai-model.ts'
import { createModelRecorder } from '../../src/chat/model/record/model-recorder.ts'
import type { CaseServer } from './case-server.ts'
import { type CaseAnswer, readStreamCases, type StreamCase } from './stream-case.ts'

/** How a call is recorded. */
export interface RecordingOptions {
  /** The folder; a new one when absent. */
  path?: string
  content?: boolean
  maxBodyBytes?: number
  maxHeldBytes?: number
  maxFiles?: number
  /** Milliseconds since 1970. */
  at?: number
  /** Leaves the call at its first word. */
  leave?: boolean
}

/** A call that was recorded. */
export interface RecordedCall {
  /** What came of it. */
  outcome: { text: string; others: unknown[]; error?: unknown }
  faults: unknown[]
  texts(): Promise<string[]>
  /** The files as the project's cases are read. */
  cases(): StreamCase[]
}

/** The key of each recorded call. */
export const RECORDED_KEY = 'sk-secret-of-the-test'

/** Asks a model whose server answers so, through a recorder; resolves when all is written. */
export async function recordCall(
  server: CaseServer,
  answer: CaseAnswer,
  options: RecordingOptions = {},
): Promise<RecordedCall> {
  const { content = false, at = 0, leave = false, path = await createRecordFolder() } = options
  const { maxBodyBytes = 100_000, maxHeldBytes = 1_000_000, maxFiles = 100 } = options
  const faults: unknown[] = []
  const masking = { apiKey: RECORDED_KEY, content }
  const deps = { path, masking, now: () => at, onFault: (error: unknown) => void faults.push(error), onSuccess() {} }
  const recorder = createModelRecorder(deps, { maxBodyBytes, maxHeldBytes, maxFiles })
  server.play({ id: '', title: '', kind: '', upstream: answer }, 'in pieces')
  const model = createOpenAiModel({ baseUrl: server.url, apiKey: RECORDED_KEY, model: 'm', fetch: recorder.fetch })
  const outcome = await ask(model, leave)
  await recorder.drain()
  await recorder.close()
  return {
    outcome,
    faults,
    async texts() {
      const names = await readdir(path)
      return Promise.all(names.map((name) => readFile(join(path, name), 'utf8')))
    },
    cases: () => readStreamCases(pathToFileURL(`${path}/`)),
  }
}

/** A folder that is there until the test has ended. */
export async function createRecordFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'backscroll-recorded-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

async function ask(model: ReturnType<typeof createOpenAiModel>, leave: boolean): Promise<RecordedCall['outcome']> {
  const outcome: RecordedCall['outcome'] = { text: '', others: [] }
  const controller = new AbortController()
  const messages = [{ role: 'user', content: 'Who are you?' }]
  try {
    for await (const event of model.stream({ messages, cacheKey: 'k' }, controller.signal)) {
      if (event.type === 'text') outcome.text += event.text
      // How often a sign of life is told hangs on the network.
      else if (event.type !== 'activity') outcome.others.push(event)
      if (leave) controller.abort()
    }
  } catch (error) {
    const { code, message } = error instanceof ModelError ? error : { code: '', message: '' }
    return { ...outcome, error: { code, message } }
  }
  return outcome
}
