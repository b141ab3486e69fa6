import type { ChatModel } from './chat/model/chat-model.ts'
import type { Config } from './config.ts'

/** The model that is configured; only it is loaded. */
export async function openModel({
  openaiApiKey,
  openaiBaseUrl,
  openaiModel,
}: Pick<Config, 'openaiApiKey' | 'openaiBaseUrl' | 'openaiModel'>): Promise<ChatModel> {
  if (openaiApiKey === undefined && openaiBaseUrl === undefined) {
    const { createDemoModel } = await import('./chat/model/demo-model.ts')
    return createDemoModel()
  }
  const { createOpenAiModel } = await import('./chat/model/openai-model.ts')
  return createOpenAiModel({
    model: openaiModel,
    ...(openaiApiKey !== undefined && { apiKey: openaiApiKey }),
    ...(openaiBaseUrl !== undefined && { baseUrl: openaiBaseUrl }),
  })
}
