import { expect, onTestFinished, test, vi } from 'vitest'
import { openSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/test-server.ts'

const COUNT = 20
const LARGE = 300_000
const OPERATION = { query: '{ __typename }', extensions: { a: 'x'.repeat(LARGE) } }

test('of large bodies that come at once, one is parsed in each turn of the event loop', async () => {
  const { origin } = await startTestServer()
  const turns = turnsOfLargeParses()
  const body = JSON.stringify(OPERATION)
  const send = () =>
    fetch(`${origin}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const answers = await Promise.all(Array.from({ length: COUNT }, send))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(turns).toHaveLength(COUNT)
  expect(new Set(turns).size).toBe(COUNT)
})

test('so is one of large frames, of however many WebSockets', async () => {
  const { origin } = await startTestServer()
  const sockets = await Promise.all(Array.from({ length: COUNT }, () => openSocket(origin)))
  const turns = turnsOfLargeParses()
  const frame = JSON.stringify({ id: '1', type: 'subscribe', payload: OPERATION })
  const completed = sockets.map(
    ({ raw }) =>
      new Promise<void>((resolve) => raw.on('message', (data) => String(data).includes('"complete"') && resolve())),
  )
  for (const { raw } of sockets) raw.send(frame)
  await Promise.all(completed)
  expect(turns).toHaveLength(COUNT)
  expect(new Set(turns).size).toBe(COUNT)
})

/** The number of the turn of the event loop in which each large JSON was parsed. */
function turnsOfLargeParses(): number[] {
  const turns: number[] = []
  let turn = 0
  const count = () => {
    turn += 1
    next = setImmediate(count)
  }
  let next = setImmediate(count)
  const { parse } = JSON
  const spy = vi.spyOn(JSON, 'parse').mockImplementation((text, reviver) => {
    if (text.length > LARGE) turns.push(turn)
    return parse(text, reviver)
  })
  onTestFinished(() => {
    clearImmediate(next)
    spy.mockRestore()
  })
  return turns
}
