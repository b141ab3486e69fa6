import { once } from 'node:events'
import { expect, onTestFinished } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'

interface Frame {
  type: string
  id?: string
  payload?: unknown
}

/** A connection by the graphql-transport-ws protocol, frame by frame; cut off when the test ends. */
export async function openSocket(origin: string, options: ClientOptions = {}) {
  const raw = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', options)
  onTestFinished(() => raw.terminate())
  const frames: Frame[] = []
  const waiting: ((frame: Frame) => void)[] = []
  raw.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame
    const taker = waiting.shift()
    if (taker) taker(frame)
    else frames.push(frame)
  })
  const next = async (): Promise<Frame> => frames.shift() ?? new Promise((resolve) => waiting.push(resolve))
  const send = (frame: Frame) => raw.send(JSON.stringify(frame))
  await once(raw, 'open')
  send({ type: 'connection_init' })
  expect(await next()).toMatchObject({ type: 'connection_ack' })
  return { raw, send, next }
}
