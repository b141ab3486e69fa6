import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createApp } from '../../../../src/app.ts'
import { loadConfig } from '../../../../src/config.ts'
import { openModel } from '../../../../src/open-model.ts'
import { playCase } from '../../../support/case-conversation.ts'
import { type CaseServer, startCaseServer } from '../../../support/case-server.ts'
import { createGraphqlClient } from '../../../support/graphql-client.ts'
import { createKeptLog } from '../../../support/kept-log.ts'
import {
  createRecordFolder,
  RECORDED_KEY,
  type RecordedCall,
  type RecordingOptions,
  recordCall,
} from '../../../support/recorded-call.ts'
import { bodyPieces, type CaseAnswer, readStreamCases, type StreamCase } from '../../../support/stream-case.ts'

const TEXT = textOf('Hello')
const END = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
const given = readStreamCases(new URL('../cases/', import.meta.url))

let server: CaseServer

beforeAll(async () => {
  server = await startCaseServer()
})

afterAll(() => server.close())

describe('a recorded call', () => {
  const plain = given.filter(({ refuses, steps }) => refuses === undefined && steps === undefined)
  const ofEachKind = [...Map.groupBy(plain, ({ kind }) => kind).values()].flatMap(([first]) => first ?? [])
  const answers = ofEachKind.flatMap(({ id, upstream }) => [upstream].flat().map((answer) => [id, answer] as const))

  test.each(answers)('of the case %s gives the same when it is played', async (_, answer) => {
    const recording = await record(answer)
    const again = await record(firstOf(recording).upstream as CaseAnswer)
    expect(again.outcome).toEqual(recording.outcome)
  })

  test('is a case that holds as it is', async () => {
    const recording = await record({ chunks: [TEXT, END] })
    const one = firstOf(recording)
    expect(one).toMatchObject({ send: { content: 'Who are you?' }, expect: { end: 'Completed', content: 'Hello' } })
    expect(await playInApp([one])).toEqual([])
  })

  test.each([
    ['cut', { chunks: [TEXT], cut: true }, { end: 'Failed', code: 'MODEL_STREAM_BROKEN', partial: 'Hello' }],
    ['refused', { status: 400, body: '{"error":{"message":"no"}}' }, { end: 'Failed', code: 'MODEL_REJECTED' }],
  ])('that was %s stays so', async (_, answer, expected) => {
    const recording = await record(answer)
    const one = firstOf(recording)
    expect(one).toMatchObject({ expect: expected, upstream: { status: (answer as CaseAnswer).status ?? 200 } })
    expect(await playInApp([one])).toEqual([])
  })

  test.each([
    ['at its end', [END], false, ['aura', 'smell', 'rain']],
    ['masked', [END], true, ['xxxx', 'smell', 'xxxx']],
    ['not where it was cut', [], false, undefined],
  ])('says what of it nobody knows, %s', async (_, ends, content, unknown) => {
    const delta = { content: 'Hello', hologram: 'aura', list: [{ type: 'smell', of: 'rain' }] }
    const chunks = [`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`, ...ends]
    const recording = await record({ chunks, cut: ends.length === 0 }, { content })
    const one = firstOf(recording)
    expect(one.title).not.toContain('otherwise')
    expect(one.expect?.unknown).toEqual(unknown)
    expect(await playInApp([one])).toEqual([])
  })

  test('that was left says that the server held it open', async () => {
    const recording = await record({ chunks: [TEXT], hang: true }, { leave: true })
    const one = firstOf(recording)
    expect(one).toMatchObject({ upstream: { hang: true }, expect: { code: 'MODEL_TIMEOUT', partial: 'Hello' } })
  })

  test('keeps each byte and each cut, also within a character', async () => {
    const bytes = Buffer.from(textOf('👋'))
    const cuts = [bytes.subarray(0, -20), bytes.subarray(-20, -12), bytes.subarray(-12)]
    const chunks = [...cuts.map((piece) => ({ base64: piece.toString('base64') })), END]
    const one = firstOf(await record({ chunks }))
    expect(bodyPieces(one.upstream as CaseAnswer).map(({ bytes: piece }) => piece)).toEqual([...cuts, Buffer.from(END)])
  })
})

describe('what nobody may see', () => {
  test('keys are masked wherever they stand', async () => {
    const recording = await record({ chunks: [textOf(`Your key is ${RECORDED_KEY} or sk-another-key`), END] })
    const [text = ''] = await recording.texts()
    expect(text).not.toMatch(/secret|another/)
    expect(text).toContain('Your key is xxx')
  })

  test('content is masked where that is asked for, and the case still holds', async () => {
    const said = textOf('<think>Why?</think>Grüße, 世界 42')
    const chunks = [said, callOf('{"city":"Paris","is'), callOf('Big":true,"n":1.5e3}'), END]
    const masked = await record({ chunks }, { content: true })
    const [text = ''] = await masked.texts()
    expect(text).not.toMatch(/Why|Gr|世界.*世界 4|city|Paris|Who/)
    const one = firstOf(masked)
    expect(one).toMatchObject({
      title: expect.not.stringContaining('otherwise'),
      expect: { content: 'xxééx, 世世 11', reasoning: 'xxx?', finishReason: 'TOOL_CALLS' },
    })
    expect(await playInApp([one])).toEqual([])
  })
})

describe('the folder', () => {
  test('is for this user alone and keeps the newest files', async () => {
    const path = join(await createRecordFolder(), 'calls')
    for (let count = 0; count < 4; count += 1) await record({ chunks: [TEXT, END] }, { path, maxFiles: 2, at: count })
    await writeFile(join(path, 'mine.json'), '[]')
    await record({ chunks: [TEXT, END] }, { path, maxFiles: 2, at: 4 })
    const names = (await readdir(path)).filter((name) => name !== 'mine.json')
    expect(names).toHaveLength(2)
    expect(names.at(-1)).toContain('00-00-00-004Z')
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect((await stat(join(path, names[0] ?? ''))).mode & 0o777).toBe(0o600)
  })

  test('keeps the beginning of an answer that is too long', async () => {
    const recording = await record({ chunks: [TEXT, TEXT, END] }, { maxBodyBytes: TEXT.length })
    expect(recording.outcome.text).toBe('HelloHello')
    const one = firstOf(recording)
    expect(one).toMatchObject({ title: expect.stringContaining('beginning'), upstream: { chunks: [TEXT], cut: true } })
  })

  test('that cannot be written, and too much at once, leave the answer as it is and are told', async () => {
    const path = join(await createRecordFolder(), 'file')
    await writeFile(path, '')
    for (const options of [{ path }, { maxHeldBytes: 10 }]) {
      const { outcome, faults } = await record({ chunks: [TEXT, END] }, options)
      expect(outcome).toMatchObject({ text: 'Hello' })
      expect(faults).toHaveLength(1)
    }
  })
})

test('MODEL_RECORD_DIR records what the app asks, and a folder that fails is one line in the log', async () => {
  const path = await createRecordFolder()
  const one = given.find(({ id }) => id === 'C08.b') as StreamCase
  expect(await playInApp([one, one], { MODEL_RECORD_DIR: path })).toEqual([])
  expect(await readdir(path)).toHaveLength(2)
  await rm(path, { recursive: true })
  await writeFile(path, '')
  const log = createKeptLog()
  expect(await playInApp([one, one], { MODEL_RECORD_DIR: path }, log)).toEqual([])
  const lines = log.entries.filter(({ level }) => level === 'warn')
  const fields = { setting: 'MODEL_RECORD_DIR', folder: path, reason: 'EEXIST' }
  expect(lines).toEqual([{ level: 'warn', fields, message: 'calls of the model cannot be recorded' }])
})

test.each(['/proc/x', '/proc/x/y', 'FILE', 'FILE/below', 'FOLDER/a/b'])(
  'MODEL_RECORD_DIR %s is tried at the start, and the log names it',
  async (given) => {
    const folder = await createRecordFolder()
    await writeFile(join(folder, 'file'), '')
    const path = given.replace('FILE', join(folder, 'file')).replace('FOLDER', folder)
    const log = createKeptLog()
    const model = await openModel(loadConfig({ MODEL_RECORD_DIR: path, OPENAI_BASE_URL: server.url }), log)
    await model.close(1_000)
    const isGood = given.startsWith('FOLDER')
    const message = isGood ? 'calls of the model are recorded' : 'calls of the model cannot be recorded'
    const fields = {
      folder: path,
      ...(!isGood && { setting: 'MODEL_RECORD_DIR', reason: expect.stringMatching(/^E/) }),
    }
    expect(log.entries).toMatchObject([{ level: isGood ? 'info' : 'warn', fields, message }])
    if (isGood) expect(await readdir(path)).toEqual([])
  },
)

test('MODEL_RECORD_DIR is said to have no effect on the demo model', async () => {
  const log = createKeptLog()
  await openModel(loadConfig({ MODEL_RECORD_DIR: '/proc/x' }), log)
  expect(log.entries).toMatchObject([
    { level: 'warn', message: expect.stringContaining('MODEL_RECORD_DIR has no effect') },
  ])
})

function record(answer: CaseAnswer, options?: RecordingOptions): Promise<RecordedCall> {
  return recordCall(server, answer, options)
}

function firstOf(recording: RecordedCall): StreamCase {
  const [one] = recording.cases()
  if (one === undefined) throw new Error('nothing was recorded')
  return one
}

function textOf(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`
}

function callOf(text: string): string {
  const call = { index: 0, id: 'call_a', function: { name: 'get_weather', arguments: text } }
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { tool_calls: [call] } }] })}\n\n`
}

/** Plays cases in one app, as the project plays its own; what was otherwise than it should be. */
async function playInApp(cases: StreamCase[], settings = {}, log = createKeptLog()): Promise<string[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'backscroll-recorded-'))
  const env = {
    PORT: '0',
    DATA_DIR: dataDir,
    OPENAI_BASE_URL: server.url,
    OPENAI_MODEL: 'm',
    ...cases[0]?.env,
    ...settings,
  }
  const app = createApp(loadConfig(env), log)
  onTestFinished(() => rm(dataDir, { recursive: true }))
  const client = createGraphqlClient(await app.start())
  try {
    const problems: string[] = []
    for (const each of cases) {
      const world = { played: server.play(each, 'in pieces'), client, restart: async () => {} }
      problems.push(...(await playCase(world, each)))
    }
    return problems
  } finally {
    await client.close()
    await app.stop()
  }
}
