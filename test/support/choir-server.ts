import { createChoirModel } from './choir-model.ts'
import { startWireNode } from './wire-node.ts'

/** What a test tells this process to do; it answers with `done`, or what it found. */
export type ChoirOrder = { emit: string } | 'finish' | 'measure' | 'cpu'
export type ChoirAnswer = { origin: string } | { heapBytes: number } | { cpuMicros: number } | 'done'

/** A loaded machine may need minutes to open a thousand streams, in which the choir is silent. */
const PATIENCE = { firstTokenMs: 300_000, idleMs: 300_000 }

await main()

/** A node in a process of its own, so that its memory is nothing but the server's. Run with --expose-gc. */
async function main(): Promise<void> {
  const model = createChoirModel()
  const node = await startWireNode(process.env, model, { checkpointMs: 1_000, leaseMs: 10_000, ...PATIENCE })
  const answer = (message: ChoirAnswer) => process.send?.(message)
  process.on('message', (order: ChoirOrder) => {
    if (order === 'cpu') {
      const { user, system } = process.cpuUsage()
      answer({ cpuMicros: user + system })
      return
    }
    if (order === 'measure') {
      node.log.entries.length = 0
      globalThis.gc?.()
      answer({ heapBytes: process.memoryUsage().heapUsed })
      return
    }
    model.emit(order === 'finish' ? { type: 'finish', reason: 'STOP' } : { type: 'text', text: order.emit })
    answer('done')
  })
  process.once('disconnect', () => process.exit())
  answer({ origin: node.origin })
}
