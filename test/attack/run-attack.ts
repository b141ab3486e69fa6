import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { TimedOutError, withTimeout } from '../../src/with-timeout.ts'
import { startRawModelServer } from '../support/raw-model-server.ts'
import { type Service, startMongodb, startRedis } from '../support/services.ts'
import type { Attack, Outcome, Target } from './attacks.ts'
import { type ProbedServer, startProbedServer } from './probed-server.ts'
import { post } from './requests.ts'
import type { WatcherReport } from './watcher.ts'

/** What one attack did; figures that a dead or silent server does not give are undefined. */
export interface AttackResult {
  heldMs: number | undefined
  grownMb: number
  keptMb: number | undefined
  otherMs: number
  /** The same in the second before the attack: what else the machine does. */
  calmMs: number
  tookMs: number
  outcome: string
  /** Which of these are beyond their limits: held, grown, kept, other, outcome. */
  breaks: readonly string[]
}

export interface AttackRunner {
  run(attack: Attack): Promise<AttackResult>
  close(): Promise<void>
}

/** What no attack may exceed. */
export const LIMITS = { heldMs: 100, grownMb: 400, keptMb: 60, otherMs: 200 }

const MB = 1_048_576
/** The server is killed above it: the machine belongs to others too. */
const KILL_BYTES = 2_560 * MB
const ATTACK_TIMEOUT_MS = 30_000
const PREPARE_TIMEOUT_MS = 180_000
/** What the first requests compile is not the attack's. */
const WARM_UP_REQUESTS = 200
const SETTLE_MS = 1_000
const GIVE_BACK_MS = 10_000

/** Runs attacks, each against a server of its own; stores are started when the first attack needs them. */
export function createAttackRunner(main?: string): AttackRunner {
  const services: { redis?: Service; mongodb?: Service } = {}

  async function run(attack: Attack): Promise<AttackResult> {
    const provider = attack.provider && (await startRawModelServer(attack.provider))
    const stores = await envOf(attack)
    const model = provider ? { OPENAI_BASE_URL: provider.url } : {}
    const env = { ...stores, ...model, ...attack.env }
    const server = await startProbedServer({ ...(main !== undefined && { main }), env }).catch(
      async (error: unknown) => {
        await provider?.close()
        throw error
      },
    )
    const watcher = startWatcher(server)
    const leaving: (() => unknown)[] = []
    try {
      const target = targetOf(server, stores, leaving)
      await warmUp(server.origin)
      return await measure(server, watcher, await prepare(attack, target), leaving)
    } finally {
      await leave(leaving)
      watcher.kill()
      // How it ends after an attack is no part of it.
      await server.stop(SETTLE_MS)
      await provider?.close()
    }
  }

  async function envOf({ stores }: Attack): Promise<Record<string, string>> {
    if (stores === undefined) return {}
    services.redis ??= await startRedis()
    if (stores === 'redis') return { REDIS_URL: services.redis.url }
    services.mongodb ??= await startMongodb()
    return { REDIS_URL: services.redis.url, MONGODB_URL: databaseOf(services.mongodb.url) }
  }

  async function close(): Promise<void> {
    await Promise.all([services.redis?.stop(), services.mongodb?.stop()])
  }

  return { run, close }
}

async function measure(
  server: ProbedServer,
  watcher: ChildProcess,
  attack: () => Promise<Outcome>,
  leaving: (() => unknown)[],
): Promise<AttackResult> {
  const before = await server.ask('collect')
  await report(watcher)
  await delay(SETTLE_MS)
  await server.ask('reset')
  const { rssBytes: rssBefore, worstAnswerMs: calmMs } = await report(watcher)
  const begin = performance.now()
  const { text, isGood } = await withinTime(attack)
  const tookMs = performance.now() - begin
  const held = await server.ask('report')
  await leave(leaving)
  const keptMb = before && (await untilGivenBack(server, before.keptBytes))
  const seen = await report(watcher)
  const ended = seen.isKilled ? ', killed for its memory' : server.isAlive() ? '' : ', server ended'
  const figures = {
    heldMs: held?.heldMs,
    grownMb: (seen.peakRssBytes - rssBefore) / MB,
    keptMb,
    otherMs: seen.worstAnswerMs,
    calmMs,
  }
  return { ...figures, tookMs, outcome: `${text}${ended}`, breaks: breaksOf(figures, isGood && ended === '') }
}

/** What is kept of the memory, in MB: the least that is seen for a while. */
async function untilGivenBack(server: ProbedServer, keptBefore: number): Promise<number | undefined> {
  const deadline = Date.now() + GIVE_BACK_MS
  let keptMb: number | undefined
  do {
    await delay(SETTLE_MS)
    const after = await server.ask('collect')
    if (after === undefined) return undefined
    keptMb = (after.keptBytes - keptBefore) / MB
  } while (keptMb > LIMITS.keptMb && Date.now() < deadline)
  return keptMb
}

function breaksOf(
  figures: Pick<AttackResult, 'heldMs' | 'grownMb' | 'keptMb' | 'otherMs' | 'calmMs'>,
  isGood: boolean,
): string[] {
  const { heldMs = Number.POSITIVE_INFINITY, grownMb, keptMb = Number.POSITIVE_INFINITY, otherMs, calmMs } = figures
  return [
    ...(heldMs > LIMITS.heldMs ? ['held'] : []),
    ...(grownMb > LIMITS.grownMb ? ['grown'] : []),
    ...(keptMb > LIMITS.keptMb ? ['kept'] : []),
    ...(otherMs - calmMs > LIMITS.otherMs ? ['other'] : []),
    ...(isGood ? [] : ['outcome']),
  ]
}

async function withinTime(attack: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await withTimeout(attack(), ATTACK_TIMEOUT_MS)
  } catch (error) {
    const isLate = error instanceof TimedOutError
    const text = isLate ? `not done within ${ATTACK_TIMEOUT_MS / 1_000} s` : `failed: ${String(error).slice(0, 100)}`
    return { text, isGood: false }
  }
}

/** One that cannot be prepared is an attack that fails: those after it do not need it. */
async function prepare(attack: Attack, target: Target): Promise<() => Promise<Outcome>> {
  try {
    return await withTimeout(attack.prepare(target), PREPARE_TIMEOUT_MS)
  } catch (error) {
    return () => Promise.reject(new Error(`not prepared, ${error}`))
  }
}

function targetOf(server: ProbedServer, stores: Record<string, string>, leaving: (() => unknown)[]): Target {
  const { origin, port, log } = server
  return {
    origin,
    port,
    redisUrl: stores.REDIS_URL ?? '',
    mongodbUrl: stores.MONGODB_URL ?? '',
    log,
    async ask<T>(query: string, variables: object = {}) {
      const { text, status } = await post(origin, { query, variables })
      const { data, errors } = JSON.parse(text) as { data?: T; errors?: unknown }
      if (status !== 200 || !data || errors !== undefined) throw new Error(`${status} ${text.slice(0, 300)}`)
      return data
    },
    onEnd: (work) => leaving.push(work),
  }
}

async function leave(leaving: (() => unknown)[]): Promise<void> {
  for (const work of leaving.splice(0)) await work()
}

async function warmUp(origin: string): Promise<void> {
  const queries = ['{ __typename }', '{ conversations(first: 1) { nodes { id } } }']
  for (let index = 0; index < WARM_UP_REQUESTS; index++) await post(origin, { query: queries[index % 2] })
}

function startWatcher({ port, pid }: ProbedServer): ChildProcess {
  return fork(join(import.meta.dirname, 'watcher.ts'), [port, pid, KILL_BYTES].map(String))
}

async function report(watcher: ChildProcess): Promise<WatcherReport> {
  const answer = once(watcher, 'message')
  watcher.send('report')
  return (await answer)[0] as WatcherReport
}

/** A database of its own for each server, so that none finds what another left. */
function databaseOf(url: string): string {
  return url.replace('/?', `/attack-${process.pid}-${Date.now()}?`)
}
