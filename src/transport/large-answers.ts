import type { ExecutionResult } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import PQueue from 'p-queue'
import { QueryTooComplexError } from '../errors.ts'
import type { Turns } from './bounds/turns.ts'
import { writeJson } from './write-json.ts'

/** Answers that would hold the event loop if they were written at once. */
export interface LargeAnswers {
  /**
   * Writes the data of a large result as JSON, in turns. Rejects with QueryTooComplexError when that has too many
   * bytes, and with the signal's reason when that aborts.
   */
  write(data: object, signal?: AbortSignal): Promise<void>
  /** The JSON of a result without its errors, where that was written. */
  textOf(result: ExecutionResult): Buffer | undefined
  /** A result with it. */
  withText(result: ExecutionResult): WrittenResult
  /** A result with errors, with what was written of it apart. */
  split(result: ExecutionResult): SplitResult
  /** Has Yoga take what was written. */
  plugin: Plugin
}

/** A result with its JSON. */
export interface WrittenResult extends ExecutionResult {
  /** Without its errors. */
  text?: Buffer
  /** Yoga writes results by it, with errors as they are to be seen. */
  stringify?(result: ExecutionResult): string
}

/** What was written of a result that has errors too: what Yoga writes before it, and the rest, which is not copied. */
export interface SplitResult {
  head: WrittenResult
  rest: readonly Buffer[]
}

/** What is half written takes memory and serves nobody. */
const MAX_WRITTEN_AT_ONCE = 1

/** Large answers of at most `maxBytes`. */
export function createLargeAnswers(
  { turns, makeRoom }: { turns: Turns; makeRoom: () => void },
  maxBytes: number,
): LargeAnswers {
  /** By the data, for as long as somebody has that. */
  const written = new WeakMap<object, Buffer>()
  const writing = new PQueue({ concurrency: MAX_WRITTEN_AT_ONCE })

  async function write(data: object, signal?: AbortSignal): Promise<void> {
    const text = await writing.add(() => {
      signal?.throwIfAborted()
      makeRoom()
      return writeJson({ data }, turns, maxBytes, signal)
    })
    if (text === undefined) throw new QueryTooComplexError(`an answer of ${maxBytes} bytes`, 'more')
    written.set(data, text)
  }

  function textOf({ data }: ExecutionResult): Buffer | undefined {
    return data === null || data === undefined ? undefined : written.get(data)
  }

  function withText(result: ExecutionResult): WrittenResult {
    const text = textOf(result)
    return text === undefined ? result : { ...result, text, stringify }

    function stringify({ errors }: ExecutionResult): string {
      return errors === undefined ? String(text) : `${headOf(errors)}${String(text).slice(1)}`
    }
  }

  function split(result: ExecutionResult): SplitResult {
    const text = textOf(result)
    return text === undefined
      ? { head: result, rest: [] }
      : { head: { ...result, stringify: ({ errors }) => headOf(errors) }, rest: [text.subarray(1)] }
  }

  const plugin: Plugin = {
    onResultProcess({ result, setResult }) {
      if (!Array.isArray(result) && 'data' in result) setResult(withText(result))
    },
  }

  return { write, textOf, withText, split, plugin }
}

/** The beginning of a result up to its data, with errors as they are to be seen; a large text follows without its bracket. */
export function headOf(errors: readonly unknown[] = []): string {
  return `{"errors":${JSON.stringify(errors)},`
}
