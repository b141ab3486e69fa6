import { openHandWritten } from './peers/hand-written.ts'
import { openRedisList } from './peers/redis-list.ts'
import { type Contender, compare, type Slicing } from './support/compare.ts'
import { contextRequest, readAll, storeConversation } from './support/conversation.ts'
import type { Finding, Target } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { openInstalledPeer } from './support/installed-peer.ts'
import type { Peer, PeerStores } from './support/peer.ts'
import { databaseUrl, openStage, type Stage } from './support/stage.ts'

const MESSAGES = 1_000
const MESSAGE_BYTES = 200
/** One comparison with a slow peer takes about so long. */
const COMPARISON_MS = 60_000
const FEWEST_SLICES = 3

const PEERS: { open(stores: PeerStores): Promise<Peer>; coldTarget?: Target; isCacheOnly?: true }[] = [
  { open: openHandWritten, coldTarget: { atLeast: 20 } },
  { open: (stores) => openInstalledPeer('langchain.ts', stores), coldTarget: { atLeast: 1_000 } },
  { open: (stores) => openInstalledPeer('mastra.ts', stores) },
  { open: openRedisList, isCacheOnly: true },
]

/** A context of 3,000 tokens of 1,000 messages, cold and warm, on the same servers, through each peer and through Backscroll. */
export async function measurePeers(grounds: Grounds): Promise<Finding[]> {
  const stores = { mongodbUrl: await databaseUrl(grounds, 'peers'), redisUrl: await grounds.redisUrl() }
  const stage = await openStage(grounds, stores)
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES)
    const messages = await readAll(stage, id, MESSAGES)
    const findings: Finding[] = []
    for (const { open, coldTarget, isCacheOnly } of PEERS) {
      const peer = await open(stores)
      try {
        await peer.fill(id, messages)
        const slicing = await slicingFor(peer, id, grounds)
        if (!isCacheOnly) findings.push(await comparePeer('cold read', stage, peer, id, slicing, coldTarget))
        findings.push(await comparePeer('warm read', stage, peer, id, slicing))
      } finally {
        await peer.close()
      }
    }
    return findings
  } finally {
    await stage.close(0)
  }
}

/** As many rounds as there is time for: some peers take ten seconds a read. */
async function slicingFor(peer: Peer, id: string, { options }: Grounds): Promise<Slicing> {
  const begin = performance.now()
  const count = (await peer.readContext(id, contextRequest(id).maxTokens)).length
  if (count === 0) throw new Error(`${peer.name} has no context`)
  const most = Math.floor(COMPARISON_MS / (performance.now() - begin))
  if (most >= options.slices) return options
  return { slices: Math.max(Math.min(FEWEST_SLICES, options.slices), most), sliceMs: options.sliceMs, warmUpRounds: 1 }
}

function comparePeer(
  what: 'cold read' | 'warm read',
  stage: Stage,
  peer: Peer,
  id: string,
  slicing: Slicing,
  target?: Target,
): Promise<Finding> {
  const request = contextRequest(id)
  const { forget } = peer
  const isCold = what === 'cold read'
  const theirs: Contender = {
    name: peer.name,
    run: () => peer.readContext(id, request.maxTokens),
    ...(isCold && forget && { before: () => forget(id) }),
  }
  const ours: Contender = {
    name: 'Backscroll',
    run: () => stage.memory.readContexts([request]),
    ...(isCold && { before: () => stage.forget(id) }),
  }
  return compare(`${what}, ${peer.name}`, [theirs, ours], slicing, 'RATIO', target)
}
