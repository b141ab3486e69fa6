/** How much clients may hold of one node, each of them and all together. docs/limits.md says what happens beyond. */
export interface Bounds {
  /** Connections, WebSockets too. */
  maxConnections: number
  /** Requests that wait behind another one of their connection, on all connections. */
  maxPipelined: number
  /** What all request bodies and frames under way take. */
  maxIncomingBytes: number
  /** What waits in all for clients to read it. */
  maxUnreadBytes: number
  /** For the head of a request, in milliseconds, and for all of it. */
  maxHeadMs: number
  maxRequestMs: number
  /** Who reads nothing for so long while something waits for it is cut off. */
  maxStalledMs: number
  /** How often it is looked for requests that are late, and for what waits to be read. */
  requestCheckMs: number
  unreadCheckMs: number
}

/** For a node with 512 MB or more. */
export const BOUNDS: Bounds = {
  maxConnections: 10_000,
  maxPipelined: 10_000,
  maxIncomingBytes: 67_108_864,
  maxUnreadBytes: 50_331_648,
  maxHeadMs: 20_000,
  maxRequestMs: 30_000,
  maxStalledMs: 30_000,
  requestCheckMs: 2_000,
  unreadCheckMs: 100,
}
