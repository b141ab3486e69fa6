import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from './free-port.ts'
import { type OwnedProcess, spawnOwned } from './owned-process.ts'

/** A running server and what a test may do to it. `program` names it and its version. */
export interface ChildService {
  url: string
  program: string
  pause(): Promise<void>
  resume(): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Where a server runs. `id` is unique on this machine, and the name of its directory. */
export interface Place {
  id: string
  port: number
  directory: string
}

/** How one kind of server is started, asked and stopped. */
export interface ServerRecipe {
  name: string
  command(place: Place): string[]
  url(port: number): string
  /** Answers with the program and its version; throws while the server does not answer. */
  identify(url: string): Promise<string>
  /** What ends it when the test process ends. */
  endSignal: 'SIGTERM' | 'SIGKILL'
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL', process: ChildProcess, id: string): Promise<void>
  /** Removes what the server leaves outside its directory. */
  cleanUp(id: string): Promise<void>
}

const startTimeoutMs = 60_000
const pollMs = 25
const portAttempts = 3

/** Starts a server in a new temporary directory on a free port and waits until it answers. */
export async function startChildService(recipe: ServerRecipe): Promise<ChildService> {
  const directory = await mkdtemp(join(tmpdir(), `backscroll-${recipe.name}-`))
  const id = basename(directory)
  const remove = () => removeNow(directory)
  process.once('exit', remove)
  try {
    const { place, running, program } = await startOnFreePort(recipe, id, directory)
    const service = control(recipe, place, running, program)
    return { ...service, stop: () => service.stop().finally(() => process.off('exit', remove)) }
  } catch (error) {
    await recipe.cleanUp(id)
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

/** After an interrupt nothing else can clean up; a server that is still ending may hold it back, which is no error. */
function removeNow(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch {}
}

/** Between choosing a port and listening on it another process may take it, so a few ports are tried. */
async function startOnFreePort(recipe: ServerRecipe, id: string, directory: string) {
  for (let attempt = 1; ; attempt++) {
    const place = { id, directory, port: await findFreePort() }
    try {
      return { place, ...(await launch(recipe, place)) }
    } catch (error) {
      if (attempt === portAttempts || !/in use|allocated|bind/i.test(String(error))) throw error
    }
  }
}

async function launch(recipe: ServerRecipe, place: Place) {
  const running = await spawnOwned(recipe.command(place), recipe.endSignal)
  const url = recipe.url(place.port)
  const deadline = Date.now() + startTimeoutMs
  let failure: unknown
  while (Date.now() < deadline && running.isAlive()) {
    try {
      return { running, program: await recipe.identify(url) }
    } catch (error) {
      failure = error
    }
    await delay(pollMs)
  }
  const why = running.isAlive() ? `did not answer within ${startTimeoutMs} ms` : 'ended at once'
  if (running.isAlive()) await recipe.signal('SIGKILL', running.process, place.id)
  await running.exited
  throw new Error(`${recipe.name} ${why}. Its output:\n${running.output()}`, { cause: failure })
}

function control(recipe: ServerRecipe, place: Place, started: OwnedProcess, program: string): ChildService {
  let running = started
  const send = async (signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL') => {
    if (running.isAlive()) await recipe.signal(signal, running.process, place.id)
  }
  const kill = async () => {
    await send('SIGKILL')
    await running.exited
  }
  return {
    url: recipe.url(place.port),
    program,
    pause: () => send('SIGSTOP'),
    resume: () => send('SIGCONT'),
    kill,
    restart: async () => {
      await kill()
      running = (await launch(recipe, place)).running
    },
    stop: async () => {
      await kill()
      await recipe.cleanUp(place.id)
      await rm(place.directory, { recursive: true, force: true })
    },
  }
}
