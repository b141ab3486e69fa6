/** What was sent lately, to be told beside a wait that nobody explains. */
export interface SentSteps {
  /** Times in epoch milliseconds. */
  add(step: SentStep): void
  /** Those that were under way at some time between two, the longest first, shortened. */
  during(from: number, to: number): string
}

interface SentStep {
  begin: number
  end: number
  text: string
}

const MAX_KEPT = 20_000
const MAX_TOLD = 10
const TOLD_CHARS = 300

/** The latest ones only. */
export function createSentSteps(): SentSteps {
  const steps: SentStep[] = []

  function add({ begin, end, text }: SentStep): void {
    steps.push({ begin, end, text: text.slice(0, TOLD_CHARS) })
    if (steps.length > 2 * MAX_KEPT) steps.splice(0, MAX_KEPT)
  }

  function during(from: number, to: number): string {
    return steps
      .filter(({ begin, end }) => begin <= to && end >= from)
      .sort((a, b) => b.end - b.begin - (a.end - a.begin))
      .slice(0, MAX_TOLD)
      .map(({ begin, end, text }) => `${new Date(begin).toISOString()}, ${end - begin} ms: ${text}`)
      .join('\n')
  }

  return { add, during }
}
