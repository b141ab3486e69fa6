import { type ExecutionResult, GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import PQueue from 'p-queue'
import { QueryTooComplexError } from '../errors.ts'
import type { Turns } from './bounds/turns.ts'
import { writeJson } from './write-json.ts'

/** Answers that would hold the event loop if they were written at once. */
export interface LargeAnswers {
  /** Notes the data of a result as large. */
  add(data: object): void
  has(result: ExecutionResult): boolean
  /**
   * A large result with its JSON, which is written in turns; one with an error instead when that has too many bytes.
   * Rejects when the signal aborts.
   */
  write(result: ExecutionResult, signal?: AbortSignal): Promise<WrittenResult>
  /** The JSON of a result without errors; of a large one later. */
  toText(result: ExecutionResult): string | Promise<string>
  /** Has Yoga write large results so. */
  plugin: Plugin
}

/** A result with its JSON. */
export interface WrittenResult extends ExecutionResult {
  /** Without its errors. */
  text?: Buffer
  /** Yoga writes results by it, with errors as they are to be seen. */
  stringify?(result: ExecutionResult): string
}

/** What is half written takes memory and serves nobody. */
const MAX_WRITTEN_AT_ONCE = 1

/** Large answers of at most `maxBytes`. */
export function createLargeAnswers(turns: Turns, maxBytes: number): LargeAnswers {
  const large = new WeakSet<object>()
  const writing = new PQueue({ concurrency: MAX_WRITTEN_AT_ONCE })

  function has({ data }: ExecutionResult): boolean {
    return data !== null && data !== undefined && large.has(data)
  }

  async function write(result: ExecutionResult, signal?: AbortSignal): Promise<WrittenResult> {
    const text = await writing.add(() => writeJson({ data: result.data }, turns, maxBytes, signal))
    return text === undefined ? { errors: [tooLarge(maxBytes)], data: null } : { ...result, text, stringify }

    function stringify({ errors }: ExecutionResult): string {
      return errors === undefined ? String(text) : `{"errors":${JSON.stringify(errors)},${String(text).slice(1)}`
    }
  }

  function toText(result: ExecutionResult): string | Promise<string> {
    return has(result) ? toLargeText(result) : JSON.stringify(result)
  }

  async function toLargeText(result: ExecutionResult): Promise<string> {
    const { text, errors } = await write(result)
    // What Yoga makes of an extension is for HTTP alone.
    const shown = errors?.map(({ message, extensions: { code } }) => ({ message, extensions: { code } }))
    return text === undefined ? JSON.stringify({ errors: shown, data: null }) : String(text)
  }

  const plugin: Plugin = {
    async onResultProcess({ result, setResult }) {
      if (!Array.isArray(result) && 'data' in result && has(result)) setResult(await write(result))
    },
  }

  return { add: (data) => void large.add(data), has, write, toText, plugin }
}

function tooLarge(maxBytes: number): GraphQLError {
  const { message, code } = new QueryTooComplexError(`an answer of ${maxBytes} bytes`, 'more')
  return new GraphQLError(message, { extensions: { code, http: { status: 400 } } })
}
