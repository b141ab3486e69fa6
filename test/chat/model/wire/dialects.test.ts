import { access, readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { ModelEvent } from '../../../../src/chat/model/chat-model.ts'
import { DELTA_FIELDS, THOUGHT_TAGS } from '../../../../src/chat/model/wire/dialects/delta-dialects.ts'
import { DIALECTS } from '../../../../src/chat/model/wire/dialects/dialects.ts'
import { ERROR_FIELDS, ERROR_MEANINGS } from '../../../../src/chat/model/wire/dialects/error-dialects.ts'
import { FINISH_STEMS, FINISH_WORDS } from '../../../../src/chat/model/wire/dialects/finish-dialects.ts'
import { USAGE_NUMBERS, USAGE_PLACES } from '../../../../src/chat/model/wire/dialects/usage-dialects.ts'
import { readProviderError } from '../../../../src/chat/model/wire/provider-error.ts'
import { readAnswer } from '../../../../src/chat/model/wire/read-answer.ts'
import { readStreamCases } from '../../../support/stream-case.ts'

const MODEL = new URL('../../../../src/chat/model/', import.meta.url)
const cases = readStreamCases(new URL('../cases/', import.meta.url))
const rows = DIALECTS.flatMap((chapter) => chapter.rows)

describe('the table of dialects', () => {
  test('names for each row cases that are there, and each case belongs to a row', () => {
    const named = new Set(rows.flatMap((row) => row.cases))
    expect(rows.filter((row) => row.cases.length === 0)).toEqual([])
    expect([...named].toSorted()).toEqual(cases.map(({ id }) => id).toSorted())
  })

  test('names for each row that is looked up a case that has one of its names', () => {
    const textOf = new Map(cases.map((one) => [one.id, plain(JSON.stringify([one.upstream, one.refuses, one.steps]))]))
    const without = rows.filter((row) => {
      const names = row.names?.map((name) => plain(name.split('.').at(-1) ?? ''))
      return names && !row.cases.some((id) => names.some((name) => textOf.get(id)?.includes(name)))
    })
    expect(without).toEqual([])
  })

  test('names for each other row a function that is there', async () => {
    const missing: string[] = []
    for (const { by: [file, name] = [] } of rows) {
      if (file === undefined) continue
      const url = new URL(file, MODEL)
      const source = await access(url).then(
        () => readFile(url, 'utf8'),
        () => '',
      )
      if (!source.includes(`function ${name}(`)) missing.push(`${file} ${name}`)
    }
    expect(missing).toEqual([])
    expect(rows.filter(({ names, by }) => (names === undefined) === (by === undefined))).toEqual([])
  })
})

describe('each name of the table is read as its row says', () => {
  test.each([...FINISH_WORDS, ...FINISH_STEMS].flatMap(({ names, reads }) => names.map((name) => [name, reads])))(
    'the finish reason %s as %s',
    async (word, reads) => {
      const { events, error } = await read([{ delta: { content: 'a' } }, { delta: {}, finish_reason: word }])
      if (reads === 'FAILURE') expect(error).toMatchObject({ code: 'MODEL_UNAVAILABLE' })
      else expect(events).toContainEqual({ type: 'finish', reason: reads })
    },
  )

  test.each(ERROR_MEANINGS.flatMap(({ names, reads }) => names.map((name) => [name, reads])))(
    'the code %s as status %i',
    (word, reads) => expect(readProviderError({ code: `${word}_error` }).status).toBe(reads),
  )

  test.each(
    DELTA_FIELDS.flatMap(({ names, reads }) =>
      reads === 'text' || reads === 'reasoning' ? names.map((name) => [name, reads]) : [],
    ),
  )('the field %s as %s', async (field, reads) => {
    const { events } = await read([{ delta: { [field]: 'Hm' } }, { delta: {}, finish_reason: 'stop' }])
    expect(events).toContainEqual({ type: reads, text: 'Hm' })
  })

  test.each(DELTA_FIELDS.flatMap(({ names, reads }) => (reads === 'state' ? names : [])))(
    'the field %s as what goes back',
    async (field) => {
      const { events } = await read([{ delta: { content: 'a', [field]: 'b' } }, { delta: {}, finish_reason: 'stop' }])
      expect(events).toContainEqual({ type: 'state', state: { provider: '', message: { [field]: 'b' } } })
    },
  )

  test.each(THOUGHT_TAGS.flatMap(({ names }) => names))('the tag %s as reasoning', async (tag) => {
    const { events } = await read([{ delta: { content: `<${tag}>Hm</${tag}>\n42` }, finish_reason: 'stop' }])
    expect(events.slice(0, 2)).toEqual([
      { type: 'reasoning', text: 'Hm' },
      { type: 'text', text: '42' },
    ])
  })

  test.each(USAGE_PLACES.flatMap(({ names }) => names))('numbers in %s as usage', async (place) => {
    const { events } = await readEvents([objectAt(place, { prompt_tokens: 3, completion_tokens: 4 })])
    expect(events).toContainEqual({
      type: 'usage',
      usage: { promptTokens: 3, completionTokens: 4, estimated: false },
    })
  })

  test.each(USAGE_NUMBERS.flatMap(({ names, reads }) => names.map((name) => [name, reads])))(
    'the number %s as %s',
    async (name, reads) => {
      const others = {
        ...(reads !== 'promptTokens' && { prompt_tokens: 3 }),
        ...(reads !== 'completionTokens' && { completion_tokens: 4 }),
      }
      const { events } = await readEvents([{ usage: { ...others, ...objectAt(name, 7) } }])
      expect(events).toContainEqual({ type: 'usage', usage: expect.objectContaining({ [reads]: 7 }) })
    },
  )

  test.each(ERROR_FIELDS.flatMap(({ names, reads }) => names.map((name) => [name, reads])))(
    'the field %s of an error as %s',
    (name, reads) => {
      const given = reads === 'status' ? { [name]: { message: 'busy' } } : { [name]: 'busy' }
      if (reads === 'code') expect(readProviderError(given).codes).toEqual(['busy'])
      else expect(readProviderError(given).words).toBe('busy')
    },
  )
})

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z]/g, '')
}

function objectAt(path: string, value: unknown): Record<string, unknown> {
  const [field = '', ...rest] = path.split('.')
  return { [field]: rest.length === 0 ? value : objectAt(rest.join('.'), value) }
}

function read(choices: readonly object[]) {
  return readEvents(choices.map((choice) => ({ choices: [{ index: 0, ...choice }] })))
}

/** What an answer of these events is read as, and what ended it. */
async function readEvents(given: readonly unknown[]): Promise<{ events: ModelEvent[]; error?: unknown }> {
  const body = [...given.map((event) => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n'].join('')
  const events: ModelEvent[] = []
  try {
    for await (const some of readAnswer(Readable.toWeb(Readable.from([Buffer.from(body)])) as ReadableStream, {})) {
      events.push(...some)
    }
  } catch (error) {
    return { events, error }
  }
  return { events }
}
