import type { Message } from '../../src/memory/message.ts'

/** A conversation's versions as plainly as they can be kept: every path whole, as a list of its own. */
export interface NaiveTree {
  /** The active path, oldest first. */
  readonly path: readonly Message[]
  /** All messages of all paths, each once. */
  readonly messages: readonly Message[]
  find(messageId: string): Message
  /** What stands before a message, oldest first. */
  before(messageId: string): readonly Message[]
  /** The path whose newest message is on a branch. */
  pathOn(branch: string | undefined): readonly Message[]
  /** Behind such a path. */
  append(branch: string | undefined, messages: readonly Message[]): void
  /** In the place of a message, and active. */
  replace(messageId: string, messages: readonly Message[]): void
  /** Of the paths through a message the one that was active last. */
  select(messageId: string): void
  change(messageId: string, change: (message: Message) => Message): void
  /** All that follow the same message, oldest first. */
  versions(messageId: string): string[]
}

interface NaivePath {
  messages: Message[]
  activatedAt: number
}

/** A tree of one empty path. */
export function createNaiveTree(): NaiveTree {
  let clock = 0
  let active: NaivePath = { messages: [], activatedAt: clock }
  const paths = [active]

  function activate(path: NaivePath): void {
    active = path
    path.activatedAt = ++clock
  }

  function through(messageId: string): NaivePath[] {
    return paths.filter(({ messages }) => messages.some(({ id }) => id === messageId))
  }

  function before(messageId: string): Message[] {
    const messages = through(messageId)[0]?.messages ?? []
    return messages.slice(
      0,
      messages.findIndex(({ id }) => id === messageId),
    )
  }

  function endingOn(branch: string | undefined): Message[] {
    return paths.find(({ messages }) => messages.at(-1)?.branch === branch)?.messages ?? []
  }

  const allMessages = () => [
    ...new Map(paths.flatMap(({ messages }) => messages).map((each) => [each.id, each])).values(),
  ]

  return {
    get path() {
      return active.messages
    },
    get messages() {
      return allMessages()
    },
    find(messageId) {
      const message = allMessages().find(({ id }) => id === messageId)
      if (message === undefined) throw new Error(`No message ${messageId}`)
      return message
    },
    before,
    pathOn: endingOn,
    append: (branch, messages) => void endingOn(branch).push(...messages),
    replace(messageId, messages) {
      const path = { messages: [...before(messageId), ...messages], activatedAt: 0 }
      paths.push(path)
      activate(path)
    },
    select(messageId) {
      const candidates = through(messageId)
      if (candidates.includes(active)) return
      const [last] = candidates.toSorted((one, other) => other.activatedAt - one.activatedAt)
      if (last) activate(last)
    },
    change(messageId, change) {
      for (const path of paths)
        path.messages = path.messages.map((each) => (each.id === messageId ? change(each) : each))
    },
    versions(messageId) {
      const previous = before(messageId)
      const siblings = paths.filter(({ messages }) => messages[previous.length - 1]?.id === previous.at(-1)?.id)
      return [...new Set(siblings.flatMap(({ messages }) => messages[previous.length]?.id ?? []))]
    },
  }
}
