import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AnswerPeer } from './answer-peer.ts'
import type { Peer, PeerStores } from './peer.ts'

/** Where the peers are, a file each. */
export const PEERS = join(import.meta.dirname, '..', 'peers')

/** Opens a peer of bench/peers whose packages are not among ours. */
export async function openInstalledPeer(file: string, stores: PeerStores): Promise<Peer> {
  await installPeers()
  // By a path that the compiler does not follow: the types come with the packages.
  const { openPeer } = (await import(join(PEERS, file))) as { openPeer(stores: PeerStores): Promise<Peer> }
  return openPeer(stores)
}

/** Opens a reader of answers of bench/peers. */
export async function installedAnswerPeer(file: string): Promise<AnswerPeer> {
  await installPeers()
  const { openAnswerPeer } = (await import(join(PEERS, file))) as { openAnswerPeer(): AnswerPeer }
  return openAnswerPeer()
}

/** Installs the peers' packages unless they are there as the lockfile says. */
export async function installPeers(): Promise<void> {
  const [wanted, installed] = await Promise.all([
    changedAt('package-lock.json'),
    changedAt('node_modules/.package-lock.json'),
  ])
  if (installed >= wanted) return
  console.log(`installing the peers into ${join('bench', 'peers')}`)
  await promisify(execFile)('npm', ['ci'], { cwd: PEERS })
}

async function changedAt(file: string): Promise<number> {
  try {
    return (await stat(join(PEERS, file))).mtimeMs
  } catch {
    return 0
  }
}
