"""Prints the accuracy of a run's params as JSON: `accuracy.py params.safetensors`."""

import json
import sys

from federation import accuracy, model
from safetensors.torch import load_file

params = load_file(sys.argv[1])
model.load_state_dict({name.removeprefix("global/"): tensor for name, tensor in params.items()})
print(json.dumps({"accuracy": accuracy(model)}))
