import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ChildService, type Place, type ServerRecipe, startChildService } from './child-service.ts'
import { canInstall, installPackages } from './debian-packages.ts'
import { findProgram } from './find-program.ts'
import { localProgram } from './local-program.ts'
import type { Provision } from './provision.ts'

const programs = ['nginx']
const packages = ['nginx']
const advice = 'nginx, on the PATH'
/** Where nginx keeps what it buffers, in directories that only root has by default. */
const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** Where `findNginx` takes its nginx from, and what it installs for that. */
export async function planNginx(): Promise<Provision> {
  const found = await findProgram(programs)
  return found ? { source: found } : { source: 'nginx', packages, advice }
}

/** The nginx of the PATH, else installed from Debian. */
export async function findNginx(): Promise<string> {
  const find = () => findProgram(programs)
  const found = await find()
  if (found) return found
  if (!(await canInstall())) throw new Error(`The tests behind a proxy need ${advice}.`)
  await installPackages(packages, async () => (await find()) !== undefined)
  const installed = await find()
  if (!installed) throw new Error('nginx was installed, but it is not on the PATH.')
  return installed
}

/** Starts an nginx of its own; `http` gives what stands in its `http` block, with all else as it is by default. */
export async function startNginx(http: (port: number) => string): Promise<ChildService> {
  return startChildService(nginxProgram(await findNginx(), http))
}

function nginxProgram(program: string, http: (port: number) => string): ServerRecipe {
  return {
    ...localProgram,
    name: 'nginx',
    command: (place) => {
      writeFileSync(join(place.directory, 'nginx.conf'), configOf(place, http))
      return [program, '-p', place.directory, '-c', 'nginx.conf', '-e', 'stderr']
    },
    url: (port) => `http://127.0.0.1:${port}`,
    identify: async (url) => (await fetch(url)).headers.get('server') ?? 'nginx',
  }
}

/** One process, since a killed master leaves its workers behind. */
function configOf({ port }: Place, http: (port: number) => string): string {
  const paths = TEMPORARY.map((name) => `${name}_temp_path ${name};`).join('\n')
  return `daemon off; master_process off; pid nginx.pid; error_log stderr warn;
events {}
http {
access_log off;
${paths}
${http(port)}
}
`
}
