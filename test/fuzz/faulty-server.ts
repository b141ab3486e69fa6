import { cp, mkdtemp, rename, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

/** What the faulty servers do when a conversation's title is asked for; `title` is it. */
export const FAULTS = {
  'a resolver that throws': `throw new Error('oops')`,
  'a server that ends': `process.exit(3)`,
  'a log that holds what was said': `process.stdout.write(JSON.stringify({ title }) + '\\n')`,
  'a log that is no JSON': `process.stdout.write('a title was read\\n')`,
  'a turn that holds the event loop': `const begin = process.threadCpuUsage().user; while (process.threadCpuUsage().user < begin + 300_000);`,
  'memory that grows': `const taken = Buffer.alloc(500_000_000, 1); setTimeout(() => taken.length, 500)`,
  'memory that is not given back': `globalThis.taken = Buffer.alloc(100_000_000, 1)`,
}

/** A copy of the server with a fault in a directory of its own; its main module. */
export async function createFaultyServer(fault: keyof typeof FAULTS): Promise<{ directory: string; main: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'backscroll-faulty-'))
  for (const name of ['src', 'package.json']) await cp(join(ROOT, name), join(directory, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
  const file = join(directory, 'src/schema/schema.ts')
  await rename(file, join(directory, 'src/schema/faultless-schema.ts'))
  await writeFile(file, faultySchema(FAULTS[fault]))
  return { directory, main: join(directory, 'src/main.ts') }
}

function faultySchema(fault: string): string {
  return `
import { createSchema as createFaultlessSchema } from './faultless-schema.ts'
export function createSchema() {
  const schema = createFaultlessSchema()
  schema.getType('Conversation').getFields().title.resolve = ({ title }) => {
    ${fault}
    return title
  }
  return schema
}
`
}
