import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { IMPORT } from '../src/commands/import.ts'
import { runTransfer } from '../src/commands/transfer-command.ts'
import { realisticText } from '../test/support/texts.ts'

/*
 * A large ChatGPT export, as its owner would import it: node bench/import.ts [CONVERSATIONS] [SHARDS]. Prints how the
 * resident memory goes while a zip of all shards is imported, into the history that the settings name or a new embedded
 * one, and how long a second run takes.
 */
const CONVERSATIONS = Number(process.argv[2] ?? 100_000)
const SHARDS = Number(process.argv[3] ?? 50)
const MESSAGES = 6
const SAMPLE_MS = 10_000

const folder = await mkdtemp(join(tmpdir(), 'backscroll-bench-import-'))
try {
  const zip = join(folder, 'export.zip')
  await writeExport(zip)
  const environment = { DATA_DIR: join(folder, 'data'), ...process.env }
  for (const run of ['first', 'second']) {
    const begun = performance.now()
    const sample = () => {
      const seconds = ((performance.now() - begun) / 1000).toFixed(0)
      console.log(`${run} run, ${seconds} s: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB resident`)
    }
    const timer = setInterval(sample, SAMPLE_MS)
    const exit = await runTransfer(IMPORT, {
      args: [zip],
      environment,
      print: console.log,
      printError: console.log,
    }).finally(() => clearInterval(timer))
    sample()
    console.log(`exit code ${exit}`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** Everything but the shards is as small as it can be. */
async function writeExport(path: string): Promise<void> {
  const zip = new ZipFile()
  const text = realisticText(200_000)
  for (let shard = 0; shard < SHARDS; shard++) {
    const name = `conversations-${String(shard).padStart(3, '0')}.json`
    zip.addReadStreamLazy(name, (callback) => callback(null, Readable.from(writeShard(shard, text))))
  }
  zip.addBuffer(Buffer.from('{}'), 'user.json')
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(path))
}

function* writeShard(shard: number, text: string): Generator<string> {
  const count = Math.floor(CONVERSATIONS / SHARDS)
  yield '['
  for (let index = 0; index < count; index++) {
    yield `${index > 0 ? ',\n' : ''}${JSON.stringify(conversationOf(shard * count + index, text))}`
  }
  yield ']'
}

function conversationOf(number: number, text: string): object {
  const mapping: Record<string, object> = {}
  for (let index = 0; index < MESSAGES; index++) {
    const id = `${number}-${index}`
    const begin = (number * 317 + index * 4_001) % (text.length - 400)
    const role = index % 2 === 0 ? 'user' : 'assistant'
    const content = { content_type: 'text', parts: [text.slice(begin, begin + 100 + ((number + index) % 300))] }
    const message = { author: { role }, create_time: 1_700_000_000 + number * 60 + index, content }
    mapping[id] = { id, parent: index > 0 ? `${number}-${index - 1}` : null, message }
  }
  const times = { create_time: 1_700_000_000 + number * 60, update_time: 1_700_000_000 + number * 60 + MESSAGES }
  return { conversation_id: `${number}`, title: `Talk ${number}`, ...times, mapping, current_node: `${number}-5` }
}
