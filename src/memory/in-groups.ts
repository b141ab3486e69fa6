/** The answers to single questions, in order; `size` of them are asked at once. */
export async function inGroups<Q, A>(
  questions: readonly Q[],
  size: number,
  ask: (question: Q) => Promise<A>,
): Promise<A[]> {
  const answers: A[] = []
  for (let begin = 0; begin < questions.length; begin += size) {
    answers.push(...(await Promise.all(questions.slice(begin, begin + size).map(ask))))
  }
  return answers
}
