import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Place, ServerRecipe } from './child-service.ts'

/** What a container needs to know beside its place. */
export interface Image {
  image: string
  port: number
  dataDirectory: string
  args: string[]
}

const run = promisify(execFile)
const answerTimeoutMs = 10_000

/** Whether a Docker engine answers and has the image or can pull it; the client alone is not enough. */
export async function dockerHas(image: string): Promise<boolean> {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: answerTimeoutMs })
  } catch {
    return false
  }
  return (await succeeds(['image', 'inspect', image])) || (await succeeds(['pull', image]))
}

/** The command that runs an image at a place, in the foreground, with a named volume so that its data survives a kill. */
export function dockerCommand({ image, port, dataDirectory, args }: Image, place: Place): string[] {
  const publish = ['--publish', `127.0.0.1:${place.port}:${port}`]
  const volume = ['--volume', `${place.id}:${dataDirectory}`]
  return ['docker', 'run', '--rm', '--name', place.id, ...publish, ...volume, image, ...args]
}

/** The part of a recipe that is the same for every container. */
export const dockerContainer: Pick<ServerRecipe, 'endSignal' | 'signal' | 'cleanUp'> = {
  // The client of a container passes SIGTERM on; killed, it would leave the container running.
  endSignal: 'SIGTERM',
  signal: async (signal, _process, id) => {
    const verb = { SIGSTOP: 'pause', SIGCONT: 'unpause', SIGKILL: 'rm' }[signal]
    await run('docker', verb === 'rm' ? ['rm', '--force', id] : [verb, id])
  },
  cleanUp: async (id) => {
    await run('docker', ['volume', 'rm', '--force', id])
  },
}

async function succeeds(args: string[]): Promise<boolean> {
  try {
    await run('docker', args)
    return true
  } catch {
    return false
  }
}
