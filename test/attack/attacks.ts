import type { Script } from '../support/openai-scripts.ts'
import { type Answer, post } from './requests.ts'

/** One shape of attack. */
export interface Attack {
  name: string
  /** The kind of trouble that it tries to make, as in the table's groups. */
  group: string
  /** What the server needs beside itself. */
  stores?: 'redis' | 'mongodb'
  env?: Record<string, string>
  /** What the provider does with each call; without one the built-in model answers. */
  provider?: Script
  /** Brings the server into the state that is attacked; resolves to the attack itself, which is measured. */
  prepare(target: Target): Promise<() => Promise<Outcome>>
}

/** What an attack has at hand. */
export interface Target {
  origin: string
  port: number
  redisUrl: string
  mongodbUrl: string
  /** The data of an operation that must succeed. */
  ask<T>(query: string, variables?: object): Promise<T>
  log(): Promise<string>
  /** Called when the attack is over, also one that failed. */
  onEnd(leave: () => unknown): void
}

/** How it went: in a few words, and whether that is as it should be. */
export interface Outcome {
  text: string
  isGood: boolean
}

/** Answers that are as they should be; data is, unless `refusedOnly`. */
export interface Expected {
  /** HTTP statuses of a refusal. */
  statuses?: readonly number[]
  /** Codes of errors. */
  codes?: readonly string[]
  refusedOnly?: boolean
}

const REFUSALS = ['QUERY_TOO_COMPLEX', 'PAYLOAD_TOO_LARGE', 'BAD_USER_INPUT', 'RATE_LIMITED']
/** What is refused for this alone is no attack. */
const IS_OUTDATED = /Cannot query field|is not defined by type|Unknown (?:type|argument)|was not provided/
const MAX_ERROR_BYTES = 100_000
const REFUSED_STATUSES = [400, 413, 429, 503]

/** Judges an answer: cut, 5xx other than 503 and internal errors are never as they should be. */
export function judge(answer: Answer, expected: Expected = {}): Outcome {
  const { statuses = REFUSED_STATUSES, codes = REFUSALS, refusedOnly = false } = expected
  if (IS_OUTDATED.test(answer.text))
    return { text: `the schema has changed: ${answer.text.slice(0, 100)}`, isGood: false }
  const found = [...new Set([...answer.text.matchAll(/"code":"(\w+)"/g)].map(([, code = '']) => code))]
  const text = [answer.isCut ? 'cut' : answer.status, ...found.slice(0, 3), sizeText(answer.bytes)].join(' ')
  const isTrouble = answer.isCut || found.includes('INTERNAL_SERVER_ERROR') || hasInside(answer.text)
  const isRefused = statuses.includes(answer.status) || found.some((code) => codes.includes(code))
  const isServed = !refusedOnly && answer.status === 200 && !answer.text.includes('"errors"')
  return { text, isGood: !isTrouble && (isRefused || isServed) }
}

/** The worst of several outcomes stands for all. */
export function worstOf(outcomes: readonly Outcome[]): Outcome {
  const bad = outcomes.filter(({ isGood }) => !isGood)
  const [shown] = bad.length > 0 ? bad : outcomes
  const count = bad.length > 0 ? `${bad.length} of ${outcomes.length}: ` : ''
  return { text: `${count}${shown?.text ?? 'nothing'}`, isGood: bad.length === 0 }
}

/** An attack of one body, or several at once. */
export function postAttack(
  name: string,
  group: string,
  bodyOf: (target: Target) => Promise<unknown> | unknown,
  { times = 1, ...expected }: Expected & { times?: number } = {},
): Attack {
  return {
    name,
    group,
    async prepare(target) {
      const body = JSON.stringify(await bodyOf(target))
      return async () => {
        const answers = await Promise.all(Array.from({ length: times }, () => post(target.origin, body)))
        return worstOf(answers.map((answer) => judge(answer, expected)))
      }
    },
  }
}

/** Stacks and paths of the machine; a whole page may hold words like these. */
export function hasInside(text: string): boolean {
  return text.length < MAX_ERROR_BYTES && /node_modules|\n\s+at .*:\d+|file:\/\/\//.test(text)
}

function sizeText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)} KB` : `${Math.round(bytes / 1_000_000)} MB`
}
