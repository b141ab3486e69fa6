import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { ChoirAnswer, ChoirOrder } from './choir-server.ts'

/** A server in a process of its own, whose model says the same in all replies at once. */
export interface ChoirProcess {
  origin: string
  emit(text: string): Promise<void>
  finish(): Promise<void>
  /** The heap in use, after a collection. */
  measureHeap(): Promise<number>
  /** What the process has used of the processors so far. */
  measureCpu(): Promise<number>
  stop(): Promise<void>
}

const CHOIR = new URL('choir-server.ts', import.meta.url)

/** Starts it; `env` names its stores. Another program obeys the same orders. */
export async function startChoirProcess(env: Record<string, string>, program = CHOIR): Promise<ChoirProcess> {
  const child = fork(program, { env, execArgv: ['--expose-gc'] })
  const { origin } = await answerOf<{ origin: string }>(child)
  const order = async <T extends ChoirAnswer>(message: ChoirOrder) => {
    const answered = answerOf<T>(child)
    child.send(message)
    return answered
  }
  return {
    origin,
    async emit(text) {
      await order({ emit: text })
    },
    async finish() {
      await order('finish')
    },
    measureHeap: async () => (await order<{ heapBytes: number }>('measure')).heapBytes,
    measureCpu: async () => (await order<{ cpuMicros: number }>('cpu')).cpuMicros,
    async stop() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

async function answerOf<T extends ChoirAnswer>(child: ChildProcess): Promise<T> {
  const ended = new AbortController()
  const exit = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new Error('The server ended.')
  })
  try {
    const [message] = await Promise.race([once(child, 'message', { signal: ended.signal }), exit])
    return message as T
  } finally {
    ended.abort()
    exit.catch(() => {})
  }
}
