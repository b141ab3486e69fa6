/*
 * A process of its own, since whoever attacks is busy: asks the server a question every 20 ms as any other
 * client would, and reads how much memory it has (from /proc, so on Linux). Kills the server above a bound.
 * Arguments: port, process id, bound in bytes. Sends a WatcherReport for each message that it gets, and
 * begins anew.
 */
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'

/** What the watcher saw since the last report. */
export interface WatcherReport {
  /** The longest time that a question waited for its answer, one that is still open included. */
  worstAnswerMs: number
  /** That question: when it was asked, in epoch milliseconds, and its status; 0 where it had none, or has none yet. */
  worstAskedAt: number
  worstStatus: number
  answers: number
  /** Questions that ended without an answer. */
  faults: number
  peakRssBytes: number
  rssBytes: number
  isKilled: boolean
}

/** A question that is open. */
interface Asked {
  at: number
  epochMs: number
}

const EVERY_MS = 20
const BODY = JSON.stringify({ query: '{ __typename }' })

const [port = 0, pid = 0, boundBytes = 0] = process.argv.slice(2).map(Number)
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const headers = { 'content-type': 'application/json', 'content-length': BODY.length }
let seen = blank(0)
let asked: Asked | undefined
let isKilled = false

process.on('message', () => {
  if (asked !== undefined) note(asked, 0)
  process.send?.({ ...seen, isKilled } satisfies WatcherReport)
  seen = blank(seen.rssBytes)
})
process.on('disconnect', () => process.exit())
setInterval(() => {
  poll()
  void watchMemory()
}, EVERY_MS)

function blank(rssBytes: number): Omit<WatcherReport, 'isKilled'> {
  return { worstAnswerMs: 0, worstAskedAt: 0, worstStatus: 0, answers: 0, faults: 0, peakRssBytes: rssBytes, rssBytes }
}

/** One question at a time: those that would wait behind a late one would count its time again. */
function poll(): void {
  if (asked !== undefined) return
  const question = { at: performance.now(), epochMs: Date.now() }
  asked = question
  const asking = request({ port, host: '127.0.0.1', path: '/graphql', method: 'POST', agent, headers }, (response) => {
    response.resume()
    response.once('end', () => {
      seen.answers += 1
      note(question, response.statusCode ?? 0)
      asked = undefined
    })
    response.once('error', () => fail(question))
  })
  asking.once('error', () => fail(question))
  asking.end(BODY)
}

function fail(question: Asked): void {
  if (asked !== question) return
  seen.faults += 1
  note(question, 0)
  asked = undefined
}

function note({ at, epochMs }: Asked, status: number): void {
  const ms = performance.now() - at
  if (ms > seen.worstAnswerMs) Object.assign(seen, { worstAnswerMs: ms, worstAskedAt: epochMs, worstStatus: status })
}

async function watchMemory(): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const rssBytes = Number(/VmRSS:\s*(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024
  if (rssBytes === 0) return
  seen.rssBytes = rssBytes
  seen.peakRssBytes = Math.max(seen.peakRssBytes, rssBytes)
  if (rssBytes <= boundBytes || isKilled) return
  isKilled = true
  process.kill(pid, 'SIGKILL')
}
