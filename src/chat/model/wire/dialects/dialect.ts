/** The servers that the rows name, by the names that people know them under. */
export const SERVERS = [
  'OpenAI',
  'Azure OpenAI',
  'OpenRouter',
  'Gemini',
  'Claude',
  'Mistral',
  'DeepSeek',
  'Kimi',
  'GLM',
  'Qwen',
  'MiniMax',
  'Baidu',
  'Groq',
  'Together',
  'Cohere',
  'Cloudflare',
  'Snowflake Cortex',
  'GitHub Copilot',
  'LiteLLM',
  'Ollama',
  'llama.cpp',
  'LM Studio',
  'vLLM',
  'SGLang',
  'TGI',
] as const

/** A server, or a proxy of its models. */
export type Server = (typeof SERVERS)[number]

/** One oddity of what servers send, and what is made of it. */
export interface Dialect<Reads = string> {
  /** What a server does, in a few words. */
  odd: string
  /** Where it was seen; empty where the reports name no server. */
  seen: readonly Server[]
  /** What it is read as. */
  reads: Reads
  /** Its cases, by their ids in test/chat/model/cases: C is cut from a public report, D made from a description. */
  cases: readonly string[]
}

/** One that the reader looks up: another name for what it knows is another word here, and no code. */
export interface NamedDialect<Reads = string> extends Dialect<Reads> {
  /** Words or fields of the wire, the most usual first; dots lead into an object. */
  names: readonly string[]
}

/** One that is read by a function. */
export interface TreatedDialect extends Dialect {
  /** The file below `src/chat/model/` and the function in it. */
  by: readonly [file: string, name: string]
}

/** All names of the rows that are read as this, in their order. */
export function namesOf<Reads>(rows: readonly NamedDialect<Reads>[], reads: Reads): string[] {
  return rows.flatMap((row) => (row.reads === reads ? row.names : []))
}
