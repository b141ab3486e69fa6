/** An operation of a node that was sent to a store and has not arrived there. */
export interface Step {
  node: string
  name: string
  /** It reaches the store and its answer reaches the node. */
  run(): Promise<void>
  /** It reaches the store; the answer is still under way and comes with `run`. */
  reach(): Promise<void>
  /** The node hears that it failed, and it never reaches the store. */
  lose(): Promise<void>
  /** The node hears that it failed, and it reaches the store later, with `run`. */
  delay(): Promise<void>
}

/** Every operation of every node, each held back until the test lets it happen. */
export interface Steps {
  pending: Step[]
  /** Wraps a store: each call of one of the named methods becomes a step. */
  hold<S extends object>(node: string, store: S, methods: readonly (keyof S & string)[]): S
  /** The oldest pending step of a node with this name runs; fails when there is none. */
  run(node: string, ...names: string[]): Promise<void>
  find(node: string, name: string): Step
  /** Everything pending runs, in order, until nothing is left. */
  runAll(node?: string): Promise<void>
  /** A node stops for ever: nothing of it that is pending reaches a store. */
  crash(node: string): void
}

export function createSteps(): Steps {
  const pending: Step[] = []
  const crashed = new Set<string>()

  function remove(step: Step): void {
    pending.splice(pending.indexOf(step), 1)
  }

  function send(node: string, name: string, perform: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let reached: Promise<unknown> | undefined
      const reach = async () => {
        reached ??= perform()
        await reached.catch(() => {})
        await settle()
      }
      const fail = async () => {
        reject(new Error(`${name} was lost`))
        await settle()
      }
      const step: Step = {
        node,
        name,
        reach,
        async run() {
          remove(step)
          await reach()
          reached?.then(resolve, reject)
          await settle()
        },
        async lose() {
          remove(step)
          await fail()
        },
        delay: fail,
      }
      if (!crashed.has(node)) pending.push(step)
    })
  }

  const steps: Steps = {
    pending,
    hold(node, store, methods) {
      const held = { ...store }
      for (const name of methods) {
        const method = store[name]
        if (typeof method !== 'function') throw new Error(`${name} is no method`)
        const call = (...args: unknown[]) => send(node, name, () => method.apply(store, args))
        Object.assign(held, { [name]: call })
      }
      return held
    },
    find(node, name) {
      const step = pending.find((candidate) => candidate.node === node && candidate.name === name)
      const known = pending.map((candidate) => `${candidate.node}.${candidate.name}`).join(', ')
      if (step === undefined) throw new Error(`No step ${node}.${name} among: ${known}`)
      return step
    },
    async run(node, ...names) {
      await settle()
      for (const name of names) await steps.find(node, name).run()
    },
    async runAll(node) {
      await settle()
      for (;;) {
        const step = pending.find((candidate) => node === undefined || candidate.node === node)
        if (step === undefined) return
        await step.run()
      }
    },
    crash(node) {
      crashed.add(node)
      for (const step of pending.filter((candidate) => candidate.node === node)) remove(step)
    },
  }
  return steps
}

/** Lets every continuation run that is able to. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
