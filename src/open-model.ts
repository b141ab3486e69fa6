import type { ChatModel } from './chat/model/chat-model.ts'
import type { ModelRecorder } from './chat/model/record/model-recorder.ts'
import type { Config } from './config.ts'
import { createFaultLog } from './fault-log.ts'
import type { Log } from './log.ts'
import { withTimeout } from './with-timeout.ts'

/** The model that is configured. */
export interface OpenModel {
  model: ChatModel
  /** Waits for what is still to be recorded, at most `deadlineMs`. Never rejects. */
  close(deadlineMs: number): Promise<void>
}

/** The settings of the model. */
type ModelConfig = Pick<
  Config,
  'openaiApiKey' | 'openaiBaseUrl' | 'openaiModel' | 'modelRecordDir' | 'modelRecordContent'
>

/** A full disk still takes a small file now and then. */
const RECORDING_QUIET_MS = 60_000

/** The model that is configured; only it is loaded. */
export async function openModel(config: ModelConfig, log: Log): Promise<OpenModel> {
  const { openaiApiKey, openaiBaseUrl, openaiModel } = config
  if (openaiApiKey === undefined && openaiBaseUrl === undefined) {
    if (config.modelRecordDir !== undefined)
      log.warn({}, 'MODEL_RECORD_DIR has no effect: the demo model has no server')
    const { createDemoModel } = await import('./chat/model/demo-model.ts')
    return { model: createDemoModel(), close: async () => {} }
  }
  const { createOpenAiModel } = await import('./chat/model/openai-model.ts')
  const recorder = await openRecorder(config, log)
  const model = createOpenAiModel({
    model: openaiModel,
    ...(openaiApiKey !== undefined && { apiKey: openaiApiKey }),
    ...(openaiBaseUrl !== undefined && { baseUrl: openaiBaseUrl }),
    ...(recorder && { fetch: recorder.fetch }),
  })
  async function close(deadlineMs: number): Promise<void> {
    if (recorder === undefined) return
    await withTimeout(recorder.drain(), deadlineMs).catch(() => undefined)
    await recorder.close()
  }

  return { model, close }
}

async function openRecorder(
  { modelRecordDir: path, modelRecordContent, openaiApiKey: apiKey }: ModelConfig,
  log: Log,
): Promise<ModelRecorder | undefined> {
  if (path === undefined) return undefined
  const { createModelRecorder } = await import('./chat/model/record/model-recorder.ts')
  const lines = {
    begins: 'calls of the model cannot be recorded',
    ends: 'calls of the model are recorded again',
    fields: { setting: 'MODEL_RECORD_DIR', folder: path },
    quietMs: RECORDING_QUIET_MS,
  }
  const { onFault, onSuccess } = createFaultLog(log, lines)
  const recorder = createModelRecorder({
    path,
    masking: { apiKey, content: modelRecordContent === 'mask' },
    now: Date.now,
    // What the file system says has names of files in it.
    onFault: (error) => onFault({ reason: (error as NodeJS.ErrnoException).code ?? String(error) }),
    onSuccess,
  })
  if (await recorder.prepare())
    log.info({ folder: path, content: modelRecordContent }, 'calls of the model are recorded')
  return recorder
}
