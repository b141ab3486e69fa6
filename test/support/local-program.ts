import type { ServerRecipe } from './child-service.ts'

/** The part of a recipe that is the same for every program of this machine: plain signals, nothing left outside. */
export const localProgram: Pick<ServerRecipe, 'endSignal' | 'signal' | 'cleanUp'> = {
  endSignal: 'SIGKILL',
  signal: async (signal, process) => {
    process.kill(signal)
  },
  cleanUp: async () => {},
}
