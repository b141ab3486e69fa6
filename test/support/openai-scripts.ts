import type { ModelEvent, ModelListener, ModelRequest } from '../../src/chat/model/chat-model.ts'
import { callModel } from '../../src/chat/model/model-call.ts'
import { createOpenAiModel } from '../../src/chat/model/openai-model.ts'
import type { DataPart, ToolCallPart } from '../../src/memory/message.ts'
import { type RawCall, type RawModelServer, startRawModelServer } from './raw-model-server.ts'

/** A key that must never be seen outside a request. */
export const API_KEY = 'sk-test-0123456789abcdef'
/** Long enough for a loaded machine. */
export const PATIENT = { firstTokenMs: 30_000, idleMs: 30_000 }
/** A request like any other. */
export const REQUEST: ModelRequest = { messages: [{ role: 'user', content: 'Hello' }], cacheKey: 'conv_1' }

const servers: RawModelServer[] = []

/** For `afterEach`. */
export async function closeServers(): Promise<void> {
  for (const server of servers.splice(0)) await server.close()
}

/** What a server does with one call. */
export type Script = (call: RawCall) => Promise<void>

/** A raw model server that `closeServers` closes. */
export async function startServer(...scripts: Script[]): Promise<RawModelServer> {
  const server = await startRawModelServer(...scripts)
  servers.push(server)
  return server
}

/** The adapter alone. */
export async function streamOf(scripts: Script[], request = REQUEST) {
  const server = await startServer(...scripts)
  const controller = new AbortController()
  const model = createOpenAiModel({ apiKey: API_KEY, baseUrl: server.url, model: 'm' })
  const events = (onEvent?: () => void) => collect(model.stream(request, controller.signal), onEvent)
  return { server, controller, events }
}

/** The adapter as a call sees it. */
export async function callOf(scripts: Script[], timeouts = PATIENT) {
  const server = await startServer(...scripts)
  const controller = new AbortController()
  const received: (string | ToolCallPart | DataPart)[] = []
  const listener = createListener((said) => void received.push(said))
  const model = createOpenAiModel({ apiKey: API_KEY, baseUrl: server.url, model: 'm' })
  const end = callModel(model, REQUEST, timeouts, listener, controller.signal).catch((error: unknown) => error)
  return { server, controller, received, end }
}

/** A listener that gets texts and parts; of thoughts nothing. */
export function createListener(receive: (said: string | ToolCallPart | DataPart) => void): ModelListener {
  return { onText: receive, onReasoning() {}, onPart: receive, onState() {} }
}

/** All events up to the end; `onEvent` is called after each. */
export async function collect(events: AsyncIterable<ModelEvent>, onEvent?: () => void): Promise<ModelEvent[]> {
  const collected: ModelEvent[] = []
  for await (const event of events) {
    collected.push(event)
    onEvent?.()
  }
  return collected
}

/** A whole answer of one event of text. */
export function answerText(text: string, finishReason = 'stop'): Script {
  return answerWith(textChunk(text), finishChunk(finishReason), '[DONE]')
}

/** A stream of these events and a clean end. */
export function answerWith(...events: unknown[]): Script {
  return async (call) => {
    await call.startStream()
    for (const event of events) await call.event(event)
    await call.endChunks()
  }
}

/** A stream that begins and then stays silent. */
export function begin(text: string): Script {
  return async (call) => {
    await call.startStream()
    await call.event(textChunk(text))
  }
}

/** An event with some text. */
export function textChunk(content: string) {
  return deltaChunk({ content })
}

/** An event with some delta. */
export function deltaChunk(delta: unknown) {
  return { id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: null }] }
}

/** The event that says why the model finished. */
export function finishChunk(reason: string) {
  return { id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: reason }] }
}

/** A tool call as callers get it. */
export function toolCall(toolCallId: string, toolName: string, argumentsText: string): ToolCallPart {
  return { type: 'toolCall', toolCallId, toolName, arguments: argumentsText }
}
