import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { createSchema } from '../../src/schema/schema.ts'
import type { WatcherReport } from '../attack/watcher.ts'
import { arbitraryStep, type Step } from './arbitrary-step.ts'
import { type FuzzedNode, type FuzzedNodes, type Stores, seedNode, startFuzzedNodes } from './fuzzed-nodes.ts'
import { judgeExchange, judgeLog } from './judge-exchange.ts'
import { createKnownIds } from './known-ids.ts'
import { type Exchange, sendStep } from './send-step.ts'
import { createSentSteps } from './sent-steps.ts'
import { createTurns } from './turns.ts'

/** How long and how hard servers are fuzzed. */
export interface FuzzOptions {
  seed: number
  seconds: number
  /** Clients at once. */
  workers: number
  stores: Stores
  /** Whether these are reason to end; any is, unless something else is said. */
  isEnough?: (failures: readonly FuzzFailure[]) => boolean
  /** How long it looks for a smaller form of each. */
  shrinkMs?: number
  /** The servers' main module; this project's by default. */
  main?: string
}

export interface FuzzReport {
  steps: number
  /** How many steps ended with each status, or with the client's leaving. */
  outcomes: Record<string, number>
  /** The longest that another client waited for an answer. */
  worstAnswerMs: number
  /** What a collection left, at the middle and at the end. */
  keptMb: [middle: number, end: number]
  /** Of each kind one; none when all went well. */
  failures: readonly FuzzFailure[]
}

export interface FuzzFailure {
  what: string
  /** The smallest request that was found to do it. */
  sent: string
  /** What the server logged meanwhile. */
  log: string
  times: number
  /** Whether it cannot be told from the answer which client's step did it. */
  isAnyones: boolean
}

/** A step that did harm. */
class StepError extends Error {
  readonly failure: FuzzFailure
  constructor(failure: FuzzFailure) {
    super(failure.what)
    this.failure = failure
  }
}

const ROUND_STEPS = 200
const SHRINK_MS = 20_000
const MB = 1_048_576
/** What is kept may grow by caches that fill. */
const MAX_GROWN_MB = 40
const MAX_ANSWER_MS = 5_000
const SETTLE_MS = 1_000
/** How long a server that ends may take to be gone, and its log to hold why. */
const ENDING_MS = 100
const SCHEMA = createSchema()

/** Sends steps until the time is over or one does harm, of which it looks for the smallest form. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const fuzzed = await startFuzzedNodes(options.stores, options.main)
  let isStopped = false
  try {
    const { failures, ...report } = await fuzz(fuzzed, options)
    isStopped = true
    const endings = await fuzzed.stop()
    const bad = endings.filter((ending) => ending !== '0')
    const atEnd = bad.map((ending) => plainFailure(`a server that was asked to stop ended with ${ending}`))
    return { ...report, failures: [...failures, ...atEnd] }
  } finally {
    if (!isStopped) await fuzzed.stop()
  }
}

async function fuzz({ nodes }: FuzzedNodes, options: FuzzOptions): Promise<FuzzReport> {
  const { seconds, workers } = options
  const state = createState(nodes, options)
  for (const node of nodes) await state.seed(node)
  const end = Date.now() + seconds * 1_000
  const over = new AbortController()
  const half = delay((seconds * 1_000) / 2, undefined, { signal: over.signal }).catch(() => {})
  const middle = half.then(() => keptMb(nodes))
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(state, worker, options, end)))
  over.abort()
  const keptMiddle = await middle
  // What replies and sweeps do goes on for a while.
  await delay(SETTLE_MS)
  const watched = await Promise.all(nodes.map((node) => node.watched()))
  const report = {
    steps: state.steps,
    outcomes: state.outcomes,
    worstAnswerMs: Math.max(...watched.map(({ worstAnswerMs }) => worstAnswerMs)),
    keptMb: [keptMiddle, await keptMb(nodes)] as [number, number],
  }
  const unexplained = [...state.unexplained].filter(([kind]) => !state.failures.has(kind)).map(([, failure]) => failure)
  const failures = [...state.failures.values(), ...unexplained, ...judgeRest(report, watched, state.sent.during)]
  for (const node of nodes) {
    const what = judgeLog(await node.newLines(), state.mark)
    if (what !== undefined && failures.length === 0) failures.push(plainFailure(what))
  }
  return { ...report, failures }
}

type State = ReturnType<typeof createState>

function createState(nodes: readonly FuzzedNode[], { seed, isEnough = (found) => found.length > 0 }: FuzzOptions) {
  const known = createKnownIds()
  /** In all that people say; a log that holds it says what it must not. */
  const mark = `said${seed.toString(36)}${process.pid.toString(36)}`
  const words = { known: known.get, mark: (text: string) => `${mark}${text}` }
  const turns = createTurns()
  const sent = createSentSteps()
  const failures = new Map<string, FuzzFailure>()
  /** Failures that no step did again. */
  const unexplained = new Map<string, FuzzFailure>()
  const outcomes: Record<string, number> = {}
  const state = {
    steps: 0,
    outcomes,
    failures,
    unexplained,
    sent,
    mark,
    isOver: () => isEnough([...failures.values()]),
    seed: seedOne,
    take,
    freeze: known.freeze,
  }

  async function seedOne(node: FuzzedNode): Promise<void> {
    for (const answer of await seedNode(node, words.mark)) known.learn(answer)
  }

  /** Throws a StepError when the step does harm of the kind that is looked for, or of any new kind. */
  async function take(step: Step, lookedFor: string | undefined): Promise<void> {
    if (lookedFor !== undefined) {
      const found = await turns.alone(() => attempt(step))
      if (found && kindOf(found) === lookedFor) throw new StepError(found)
      return
    }
    let failure = await turns.together(() => attempt(step, count))
    // It may have been another client's step that did it: only the one that does it again is to blame.
    if (failure?.isAnyones) {
      const again = await turns.alone(() => attempt(step))
      if (!again) unexplained.set(kindOf(failure), failure)
      failure = again
    }
    if (!failure) return
    const before = failures.get(kindOf(failure))
    if (!before) throw new StepError(failure)
    before.times += 1
  }

  /** Does what the step says; what was wrong. */
  async function attempt(step: Step, then?: typeof count): Promise<FuzzFailure | undefined> {
    const node = nodes[step.node % nodes.length] as FuzzedNode
    if (!node.server.isAlive()) await node.revive().then(() => seedOne(node))
    const { server } = node
    const begin = Date.now()
    const exchange = await sendStep(server.origin, step, words)
    sent.add({ begin, end: Date.now(), text: exchange.sent })
    known.learn(exchange.received)
    then?.(step, exchange)
    const wrong = judgeExchange(exchange)
    if (wrong !== undefined) await delay(ENDING_MS)
    const isAlive = server.isAlive()
    const inLog = judgeLog(await node.newLines(), mark)
    const what = isAlive ? (wrong ?? inLog) : 'the server ended'
    if (what === undefined) return undefined
    const isAnyones = !isAlive || what === inLog
    return { what, sent: exchange.sent, log: logOf(node, exchange), times: 1, isAnyones }
  }

  function count(step: Step, { hasLeft, closeCode, status }: Exchange): void {
    state.steps += 1
    const outcome = hasLeft && step.leaveAfterMs !== undefined ? 'left' : String(closeCode ?? status)
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }

  return state
}

/** Rounds of steps, each of its own seed; a failure is made smaller for a while. */
async function work(state: State, worker: number, options: FuzzOptions, end: number): Promise<void> {
  const { seed, shrinkMs = SHRINK_MS } = options
  let lookedFor: { kind: string; until: number } | undefined
  const property = fc.asyncProperty(arbitraryStep(SCHEMA), async (step) => {
    const isOver = lookedFor ? Date.now() > lookedFor.until : Date.now() > end || state.isOver()
    if (isOver) return
    try {
      await state.take(step, lookedFor?.kind)
    } catch (error) {
      if (!(error instanceof StepError)) throw error
      const kind = kindOf(error.failure)
      lookedFor ??= { kind, until: Date.now() + shrinkMs }
      const { times = 1 } = state.failures.get(kind) ?? {}
      state.failures.set(kind, { ...error.failure, times })
      if (state.isOver()) state.freeze()
      throw error
    }
  })
  for (let round = 0; Date.now() < end && !state.isOver(); round++) {
    const parameters = { seed: seed + worker * 7_919 + round * 104_729, numRuns: ROUND_STEPS }
    lookedFor = undefined
    const { failed, errorInstance } = await fc.check(property, parameters)
    if (failed && !(errorInstance instanceof StepError)) throw errorInstance
  }
}

/** The lines about the errors of an answer, else the last ones. */
function logOf({ latest }: FuzzedNode, { received }: Exchange): string {
  const ids = [...received.matchAll(/"errorId":"([^"]+)"/g)].map(([, id = '']) => id)
  const about = latest.filter((line) => ids.some((id) => line.includes(id)))
  return (about.length > 0 ? about : latest.slice(-3)).join('\n')
}

/** What two failures of one cause have in common: the error and where it was thrown, else what is said of it. */
function kindOf({ what, log }: FuzzFailure): string {
  const [frames] = /(?:\\n +at [^\\"]+){1,2}/.exec(log) ?? []
  return /internal|status 500/.test(what) && frames !== undefined ? frames : what.slice(0, 40)
}

function plainFailure(what: string): FuzzFailure {
  return { what, sent: '', log: '', times: 1, isAnyones: true }
}

/** What only shows at the end. */
function judgeRest(
  report: Omit<FuzzReport, 'failures'>,
  watched: readonly WatcherReport[],
  sentDuring: (from: number, to: number) => string,
): FuzzFailure[] {
  const isWorst = ({ worstAnswerMs }: WatcherReport) => worstAnswerMs === report.worstAnswerMs
  const { worstAskedAt = 0, worstStatus = 0 } = watched.find(isWorst) ?? {}
  const waitedMs = Math.round(report.worstAnswerMs)
  const late = {
    ...plainFailure(
      `another client waited ${waitedMs} ms for ${worstStatus}, from ${new Date(worstAskedAt).toISOString()}`,
    ),
    sent: sentDuring(worstAskedAt, worstAskedAt + waitedMs),
  }
  const faults = watched.reduce((sum, node) => sum + node.faults, 0)
  const [middle, end] = report.keptMb
  return [
    ...(faults > 0 ? [plainFailure(`another client had no answer ${faults} times`)] : []),
    ...(waitedMs > MAX_ANSWER_MS ? [late] : []),
    ...(end - middle > MAX_GROWN_MB ? [plainFailure(`memory grew from ${middle} to ${end} MB`)] : []),
  ]
}

async function keptMb(nodes: readonly FuzzedNode[]): Promise<number> {
  const reports = await Promise.all(nodes.map(({ server }) => server.ask('collect')))
  return Math.round(Math.max(...reports.map((report) => report?.keptBytes ?? 0)) / MB)
}
