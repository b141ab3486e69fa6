import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type ExecutionArgs, parse } from 'graphql'
import { expect, onTestFinished, test } from 'vitest'
import type { Access } from '../../../src/access/access.ts'
import { createSharedBudget } from '../../../src/transport/bounds/shared-budget.ts'
import { createTurns } from '../../../src/transport/bounds/turns.ts'
import type { GraphqlHandler } from '../../../src/transport/graphql-handler.ts'
import { createGraphqlSockets } from '../../../src/transport/sockets/graphql-sockets.ts'
import { createKeptLog } from '../../support/kept-log.ts'
import { openSocket } from '../../support/raw-socket.ts'

const QUERY = { query: '{ __typename }' }

test('a client that completes a query ends what is executed and written for it, and nothing else', async () => {
  const { origin, execution } = await startSockets()
  const { send } = await openSocket(origin)
  send({ type: 'subscribe', id: '1', payload: QUERY })
  send({ type: 'subscribe', id: '2', payload: QUERY })
  const [first, second] = [await execution(), await execution()]
  const aborted = once(first, 'abort')
  send({ type: 'complete', id: '1' })
  await aborted
  expect(second.aborted).toBe(false)
})

test('a client that leaves ends all of its queries', async () => {
  const { origin, execution } = await startSockets()
  const { raw, send } = await openSocket(origin)
  send({ type: 'subscribe', id: '1', payload: QUERY })
  const aborted = once(await execution(), 'abort')
  raw.terminate()
  await aborted
})

/** Executes until the operation is aborted; `execution` gives the signal of the next one. */
async function startSockets() {
  const signals: AbortSignal[] = []
  const waiting: ((signal: AbortSignal) => void)[] = []
  const execute = ({ abortSignal }: ExecutionArgs) => {
    const signal = abortSignal as AbortSignal
    const taker = waiting.shift()
    if (taker) taker(signal)
    else signals.push(signal)
    return once(signal, 'abort').then(() => ({ data: null }))
  }
  const contextFactory = async () => ({ controller: new AbortController() })
  const enveloped = { schema: {}, execute, contextFactory, parse, validate: () => [] }
  const handler = {
    envelop: () => enveloped,
    large: { textOf: () => undefined },
    maskError: (error: unknown) => error,
  } as unknown as GraphqlHandler
  const sockets = createGraphqlSockets(
    {
      handler,
      access: { admit: async () => ({ ownerId: 'local' }), watch: () => () => {} } as unknown as Access,
      log: createKeptLog(),
      turns: createTurns(),
      incoming: createSharedBudget(1_000_000),
      refuse: (socket) => socket.destroy(),
    },
    { maxPayloadBytes: 1_000_000, maxStalledMs: 30_000, pingMs: 12_000 },
  )
  const server = createServer().on('upgrade', (request, socket, head) =>
    sockets.accept(request, socket as Socket, head),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => {
    await sockets.close(0)
    server.close()
  })
  const execution = async (): Promise<AbortSignal> => signals.shift() ?? new Promise((resolve) => waiting.push(resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, execution }
}
